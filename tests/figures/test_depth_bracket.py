"""The depth figure draws what its frames say: laws of depth, seeds, and layers."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch

from mechanics.figures import style
from mechanics.figures.depth_bracket import depth_bracket
from mechanics.regression.laws.depth import (
    gd_plus_plus_risk,
    gradient_descent_risk,
    optimal_gd_plus_plus,
    optimal_step_sizes,
    optimal_tied_step_size,
    polynomial_floor,
)
from mechanics.regression.laws.risk import least_squares_risk
from mechanics.regression.laws.spectrum import density_spectrum, expected_spectrum

D, LENGTHS = 3, (2, 4, 8)
DEPTHS = {"linear_L1": 1, "linear_L2": 2, "linear_L3": 3, "linear_L6": 6, "deep_L6": 6}


@cache
def laws(depth: int) -> pd.DataFrame:
    """The levels of one depth at every length."""
    mixture = expected_spectrum(D, LENGTHS, 2 * depth)
    tied = [optimal_tied_step_size(depth, mixture)] * depth
    free = optimal_step_sizes(depth, mixture)
    rows = []
    for k in LENGTHS:
        spectrum = expected_spectrum(D, [k], 26)
        plus = np.nan
        if depth == 2:
            plus = gd_plus_plus_risk(*optimal_gd_plus_plus(2, mixture, n_starts=1), spectrum)
        draw = torch.Generator().manual_seed(0)
        floor = density_spectrum(D, [k], 200, draw) if depth == 6 else spectrum
        rows.append(
            {
                "k": k,
                "n_layers": depth,
                "gd_tied": gradient_descent_risk(tied, spectrum),
                "gd_free": gradient_descent_risk(free, spectrum),
                "gd_free_at_k": polynomial_floor(depth, spectrum),
                "gd_plus_plus": plus,
                "mixture_floor": polynomial_floor((3**depth - 1) // 2, floor),
                "polynomial_floor": polynomial_floor((3**depth - 1) // 2, floor),
                "ols": least_squares_risk(D, k),
            }
        )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def risks() -> pd.DataFrame:
    """Three seeds of each model within the bracket; seed 2 of the linear six layers diverged."""
    parts = []
    for model, depth in DEPTHS.items():
        levels = laws(depth)
        for seed in range(3):
            share = (seed + 1) / 4
            risk = levels["gd_free"] ** share * levels["polynomial_floor"] ** (1 - share)
            diverged = model == "linear_L6" and seed == 2
            parts.append(
                levels.assign(
                    model=model,
                    seed=seed,
                    status="diverged" if diverged else "finished",
                    risk=1e9 if diverged else risk.clip(lower=1e-5),
                    risk_median=risk.clip(lower=1e-5) / 2,
                )
            )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def layers() -> pd.DataFrame:
    rows = []
    for model in ("linear_L6", "deep_L6"):
        for seed in range(3):
            for k in LENGTHS:
                for layer in range(7):
                    risk = 10 ** (-0.3 * layer - 0.1 * seed)
                    row = {"model": model, "seed": seed, "k": k, "layer": layer, "risk": risk}
                    diverged = model == "linear_L6" and seed == 2
                    row |= {"risk_lens": 0.9 * risk, "trained": True}
                    row |= {"status": "diverged" if diverged else "finished"}
                    row |= {"gd_steps": 2.0 * layer + 0.1 * seed, "newton_steps": layer + 1.0}
                    untrained = {"trained": False, "risk": 1.0, "gd_steps": np.nan}
                    rows += [row, row | untrained]
    return pd.DataFrame(rows)


def words(axis) -> str:
    return " ".join(text.get_text() for text in axis.texts)


def lines(axis, label: str) -> list:
    return [line for line in axis.lines if line.get_label() == label]


def test_a_panel_for_each_depth_names_its_models(risks, layers):
    axes = depth_bracket(risks, layers).axes
    titles = [axis.get_title() for axis in axes]
    assert titles[:4] == ["L = 1 layer", "L = 2 layers", "L = 3 layers", "L = 6 layers"]
    assert titles[4:8] == ["k = 2", "k = 4", "k = 8", "k = 4"]
    assert "linear, 3 layers" in words(axes[2])
    assert "deep, 6 layers" in words(axes[3])


def test_axes_are_labelled(risks, layers):
    axes = depth_bracket(risks, layers).axes
    assert axes[0].get_ylabel() == "risk, MSE / d"
    assert axes[0].get_xlabel() == "context length k"
    assert axes[4].get_ylabel() == "risk of a linear probe, MSE / d"
    assert [axis.get_ylabel() for axis in axes[7:]] == ["steps of GD", "steps of Newton"]
    assert {axis.get_xlabel() for axis in (*axes[4:7], axes[8])} == {"layer"}


def test_thick_line_is_the_mean_and_every_seed_is_thin(risks, layers):
    axis = depth_bracket(risks, layers).axes[1]
    own = risks[risks["model"] == "linear_L2"]
    (mean,), (median,) = lines(axis, "mean"), lines(axis, "median")
    np.testing.assert_allclose(mean.get_ydata(), own.groupby("k")["risk"].mean())
    np.testing.assert_allclose(median.get_ydata(), own.groupby("k")["risk_median"].mean())
    thin = [line for line in axis.lines if line.get_linewidth() == 0.4]
    for line, seed in zip(thin, range(3), strict=True):
        np.testing.assert_allclose(line.get_ydata(), own.loc[own["seed"] == seed, "risk"])


def test_levels_are_those_of_the_frame(risks, layers):
    axis = depth_bracket(risks, layers).axes[1]
    own = risks[(risks["model"] == "linear_L2") & (risks["seed"] == 0)]
    for column in ("gd_tied", "gd_free", "gd_free_at_k", "gd_plus_plus", "polynomial_floor"):
        (level,) = lines(axis, column)
        np.testing.assert_allclose(level.get_ydata(), own[column])
        assert level.get_linestyle() != "-"


def test_a_risk_of_zero_lies_below_the_axis(risks, layers):
    axis = depth_bracket(risks, layers).axes[0]
    (ols,) = lines(axis, "ols")
    assert ols.get_ydata()[0] == pytest.approx(1 / 3)
    assert 0 < ols.get_ydata()[-1] < axis.get_ylim()[0]


def test_shading_reaches_from_free_steps_to_the_floor(risks, layers):
    axis = depth_bracket(risks, layers).axes[2]
    own = risks[(risks["model"] == "linear_L3") & (risks["k"] == 4)]
    outline = axis.collections[0].get_paths()[0].vertices
    heights = outline[outline[:, 0] == 4][:, 1]
    assert {heights.min(), heights.max()} == {
        own["polynomial_floor"].iloc[0],
        own["gd_free"].iloc[0],
    }


def test_a_diverged_seed_is_said_and_not_drawn(risks, layers):
    axis = depth_bracket(risks, layers).axes[3]
    assert "linear, 6 layers (1 of 3 seeds diverged)" in words(axis)
    assert max(line.get_ydata().max() for line in axis.lines) < 10


def test_other_models_are_not_drawn(risks, layers):
    other = risks[risks["model"] == "linear_L1"].assign(model="softmax_L1", risk=7.0)
    figure = depth_bracket(pd.concat([risks, other]), layers)
    assert "softmax" not in words(figure.axes[0])
    assert max(line.get_ydata().max() for line in figure.axes[0].lines) < 7


def test_probe_is_the_median_over_seeds_with_the_network_at_its_end(risks, layers):
    axis = depth_bracket(risks, layers).axes[6]
    _, deep = lines(axis, "probe")
    np.testing.assert_allclose(deep.get_ydata(), [10 ** (-0.3 * n - 0.1) for n in range(7)])
    _, network = lines(axis, "read-out")
    assert network.get_xdata() == [6]
    np.testing.assert_allclose(network.get_ydata(), [0.9 * 10**-1.9])
    assert (lines(axis, "untrained")[0].get_ydata() == 1).all()


def test_levels_of_gradient_descent_stand_beside_the_layers(risks, layers):
    axis = depth_bracket(risks, layers).axes[6]
    own = risks[risks["k"] == 8].groupby("n_layers")["gd_free_at_k"].first()
    drawn = [line.get_ydata()[0] for line in axis.lines if line.get_linestyle() == "--"]
    assert drawn == [level for level in own if level > axis.get_ylim()[0]]
    assert "1 step of GD" in words(axis)


def test_infinitely_many_steps_are_a_triangle_at_the_edge(risks, layers):
    layers.loc[layers["layer"] == 6, "gd_steps"] = np.inf
    axis = depth_bracket(risks, layers).axes[7]
    (deep,) = lines(axis, "deep_L6")
    np.testing.assert_allclose(deep.get_ydata()[:5], [2.0 * n + 0.1 for n in range(1, 6)])
    assert np.isnan(deep.get_ydata()[5])
    triangles = [line for line in axis.lines if line.get_marker() == "^"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in triangles] == [(6, 1)] * 2


def test_frames_without_anything_to_draw_are_refused(risks, layers):
    with pytest.raises(style.NothingToDraw, match="no row"):
        depth_bracket(risks.assign(model="softmax_L1"), layers)
    with pytest.raises(style.NothingToDraw, match="no layers of any of deep_L6, linear_L6"):
        depth_bracket(risks, layers.iloc[:0])
    with pytest.raises(style.NothingToDraw, match="no finished seed; diverged seeds"):
        depth_bracket(risks.assign(status="diverged"), layers)


def test_a_single_seed_is_drawn(risks, layers):
    figure = depth_bracket(risks[risks["seed"] == 0], layers[layers["seed"] == 0])
    own = risks[(risks["model"] == "linear_L1") & (risks["seed"] == 0)]
    np.testing.assert_allclose(lines(figure.axes[0], "mean")[0].get_ydata(), own["risk"])
