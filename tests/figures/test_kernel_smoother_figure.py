"""The figure of the kernel smoother, from frames whose content is known."""

import numpy as np
import pandas as pd
import pytest

from mechanics.figures.kernel_smoother import kernel_smoother

LENGTHS = (5, 10, 20)


def smoother_rows(model, seed, omegas, status="finished") -> pd.DataFrame:
    """A network 2 % above its optimum; two heads 4 % above the law of the centred step."""
    two = len(omegas) == 2
    whole = {"model": model, "seed": seed, "status": status, "omega_unit": 0.3}
    whole |= {"omega_optimum": 0.4 / len(omegas), "risk_se": 0.01}
    rows = [
        {
            **whole,
            "k": k,
            "head": head,
            "omega": omega,
            "risk": 1 / k,
            "risk_optimum_same_prompts": 1 / k / 1.02,
            "risk_debiased": 1 / k / 1.04 if two else np.nan,
            "risk_one_step": 2 / k,
            "r_squared_exponential": 0.99,
            "r_squared_gaussian": 0.7 if min(omegas) > 0 else np.nan,
        }
        for k in LENGTHS
        for head, omega in enumerate(omegas)
    ]
    return pd.DataFrame(rows)


def two_networks(status="finished") -> pd.DataFrame:
    parts = [
        smoother_rows("softmax_L1", 0, [0.45]),
        smoother_rows("softmax_L1", 1, [-0.46], status),
        smoother_rows("softmax_L1_2heads", 0, [0.2, -0.21]),
    ]
    return pd.concat(parts, ignore_index=True)


def panels(figure) -> dict:
    return {axis.get_title(loc="left"): axis for axis in figure.axes}


def lines_of(axis, style: str) -> list:
    return [line for line in axis.lines if line.get_linestyle() == style]


def test_risk_is_drawn_beside_its_optimum_and_the_laws():
    axis = panels(kernel_smoother(two_networks()))["a"]
    points = [line for line in axis.lines if line.get_marker() == "o"]
    assert points[0].get_ydata() == pytest.approx([0.2, 0.1, 0.05] * 2)
    assert [len(lines_of(axis, style)) for style in ("--", "-.", ":")] == [2, 1, 1]
    assert lines_of(axis, ":")[0].get_ydata() == pytest.approx([0.4, 0.2, 0.1])
    assert {"softmax, 1 layer", "softmax, 2 heads"} <= {text.get_text() for text in axis.texts}
    assert len(axis.get_legend().get_texts()) == 3


def test_excess_is_in_per_cent():
    axis = panels(kernel_smoother(two_networks()))["b"]
    points = [line for line in axis.lines if line.get_marker() == "o"]
    assert points[0].get_ydata() == pytest.approx([2.0] * 6)
    assert lines_of(axis, "-.")[0].get_ydata() == pytest.approx([4.0] * 3)


def test_every_head_is_drawn_and_negative_omega_is_open():
    axis = panels(kernel_smoother(two_networks()))["c"]
    points = [line for line in axis.lines if line.get_marker() == "o"]
    assert [line.get_ydata()[0] for line in points] == pytest.approx([0.45, 0.46, 0.2, 0.21])
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, True] * 2
    assert lines_of(axis, ":")[0].get_ydata() == pytest.approx([0.3, 0.3])
    assert [level.get_segments()[0][0][1] for level in axis.collections] == [0.4, 0.2]


def test_the_gaussian_is_drawn_where_there_is_one():
    axis = panels(kernel_smoother(two_networks()))["d"]
    heights = [line.get_ydata()[0] for line in axis.lines]
    assert heights == pytest.approx([0.99, 0.99, 0.99, 0.7])
    words = " ".join(text.get_text() for text in axis.texts)
    assert "0.9900" in words
    assert "no Gaussian" in words


def test_one_network_of_one_seed_is_enough():
    axes = panels(kernel_smoother(smoother_rows("softmax_L1", 0, [0.45])))
    assert lines_of(axes["b"], "-.") == []
    assert len(axes["d"].lines) == 2


def test_a_diverged_seed_is_said_and_not_drawn():
    figure = kernel_smoother(two_networks(status="diverged"))
    assert figure.get_supxlabel() == "diverged seeds, not drawn: softmax, 1 layer: 1"
    points = [line for line in panels(figure)["c"].lines if line.get_marker() == "o"]
    assert len(points) == 3


def test_no_finished_seed_is_an_error():
    frame = smoother_rows("softmax_L1", 0, [0.45], status="diverged")
    with pytest.raises(ValueError, match="no finished seed"):
        kernel_smoother(frame)
