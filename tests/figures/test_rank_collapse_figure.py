"""The figure of rank collapse, from a frame whose content is known."""

import numpy as np
import pandas as pd
import pytest

from mechanics.figures.rank_collapse import rank_collapse
from mechanics.regression.rank_collapse import VARIANTS


def collapse_frame(share: float = 1.0, diverged: tuple = ()) -> pd.DataFrame:
    """Ratio 10^(−layer · number of the variant), bound a hundred times that of attention alone."""
    rows = []
    for seed in (0, 1):
        for trained in (True, False):
            for number, variant in enumerate(VARIANTS):
                for layer in range(4):
                    ratio = 10.0 ** (-layer * number)
                    theorem = variant == "attention_only" and layer > 0
                    row = {"model": "deep_L6", "seed": seed, "trained": trained, "k": 8}
                    row |= {"variant": variant, "layer": layer, "norm": "composite"}
                    row |= {"ratio": 2 * ratio, "ratio_median": ratio, "risk": 0.1 * number}
                    row["condition_share"] = share if theorem else np.nan
                    row["bound"] = 100 * ratio if theorem and share else np.nan
                    row["status"] = "diverged" if seed in diverged else "finished"
                    rows.append(row)
    return pd.DataFrame(rows)


def lines(axis, style_: str) -> list[np.ndarray]:
    return [np.array(line.get_ydata()) for line in axis.lines if line.get_linestyle() == style_]


def words(axis) -> str:
    return " ".join(text.get_text() for text in [*axis.texts, axis.title])


def test_lines_are_medians_dots_are_means_and_the_bound_is_dashed():
    upper, _, lower, _ = rank_collapse(collapse_frame()).axes
    layers = np.arange(4)
    assert len(lines(upper, "-")) == 2 * len(VARIANTS)
    for number in range(len(VARIANTS)):
        np.testing.assert_allclose(lines(upper, "-")[2 * number], 10.0 ** (-layers * number))
        np.testing.assert_allclose(lines(upper, "None")[2 * number], 2 * 10.0 ** (-layers * number))
    for bound in lines(upper, "--"):
        np.testing.assert_allclose(bound, 100 * 10.0 ** (-3 * layers[1:]))
    np.testing.assert_allclose(lower.lines[0].get_ydata(), [100, 100, 100])


def test_variants_are_named_with_their_risk_in_both_panels():
    figure = rank_collapse(collapse_frame())
    for axis, trained in zip(figure.axes[:2], ("trained", "untrained"), strict=True):
        for name in ("whole network\nrisk 0", "no skip", "no MLPs", "attention only\nrisk 0.3"):
            assert name in words(axis)
        assert f"deep, 6 layers, {trained}" in words(axis)
        assert "k = 8, 2 seeds" in words(axis)
    assert "‖res(X)‖ / ‖X‖" in figure.axes[0].get_ylabel()


def test_a_bound_whose_condition_fails_is_not_drawn_but_said():
    upper = rank_collapse(collapse_frame(share=0.0)).axes[0]
    assert not lines(upper, "--")
    assert "condition of the bound not met" in words(upper)


def test_diverged_seeds_are_counted_and_not_drawn():
    upper = rank_collapse(collapse_frame(diverged=(1,))).axes[0]
    assert len(lines(upper, "-")) == len(VARIANTS)
    assert "1 diverged" in words(upper)


def test_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="spectral"):
        rank_collapse(collapse_frame(), norm="spectral")
