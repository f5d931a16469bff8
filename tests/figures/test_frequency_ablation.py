"""The figure of the necessity sweep, from frames whose content is known."""

import numpy as np
import pandas as pd
import pytest

from mechanics.figures.frequency_ablation import frequency_ablation


def frame(model: str = "softmax_L1", keys: tuple = (2, 5), diverged: tuple = ()) -> pd.DataFrame:
    """p = 13: keys cost a loss of frequency / 10 in the logits, twice that in their neurons."""
    rows = []
    for seed in (0, 1):
        for level, factor in (("logits", 1), ("neurons", 1), ("clusters", 2)):
            for k in range(1, 7):
                row = {"model": model, "seed": seed, "split": "all", "level": level}
                row |= {"frequency": k, "is_key": k in keys, "loss_full": 1e-5}
                row["loss"] = factor * k / 10 if k in keys else 1e-5
                row["status"] = "diverged" if seed in diverged else "finished"
                rows.append(row)
    return pd.DataFrame(rows)


def points(axis, marker: str) -> list[tuple[float, float]]:
    lines = [line for line in axis.lines if line.get_marker() == marker]
    return [point for line in lines for point in zip(*line.get_data(), strict=True)]


def test_every_frequency_of_every_seed_is_drawn_and_keys_are_numbered():
    axis = frequency_ablation(frame()).axes[0]
    assert len(points(axis, "o")) == len(points(axis, "D")) == 2 * 6
    assert points(axis, "o").count((5, 0.5)) == points(axis, "D").count((5, 1.0)) == 2
    assert {"2", "5"} <= {text.get_text() for text in axis.texts}
    assert axis.get_yscale() == "log"


def test_losses_of_the_network_and_of_the_uniform_answer_are_dashed():
    axis = frequency_ablation(frame()).axes[0]
    levels = {line.get_ydata()[0] for line in axis.lines if line.get_linestyle() == "--"}
    assert levels == {1e-5, np.log(13)}


def test_networks_without_keys_and_diverged_seeds_are_said():
    both = pd.concat([frame(diverged=(1,)), frame("deep_L6", keys=())])
    figure = frequency_ablation(both[both["level"] == "logits"])
    first, second = figure.axes
    assert first.get_title() == "softmax, 1 layer, 1 seed"
    assert second.get_title() == "deep, 6 layers, 2 seeds, 2 without key frequencies"
    assert len(points(first, "o")) == 6
    assert not points(second, "D")
    assert "softmax, 1 layer: 1" in figure.get_supxlabel()


def test_an_empty_frame_is_refused():
    with pytest.raises(ValueError, match="nothing|no finished seed"):
        frequency_ablation(frame(diverged=(0, 1)))
