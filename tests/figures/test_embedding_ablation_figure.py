"""The figure of ablation in the embedding, from frames whose content is known."""

import numpy as np
import pandas as pd
import pytest

from mechanics.figures.embedding_ablation import embedding_ablation


def frame(model: str = "deep_L6", keys: tuple = (2, 5), diverged: tuple = ()) -> pd.DataFrame:
    """p = 13, two seeds: without a key the loss is 3, without any other frequency 1e-5."""
    rows = []
    for seed in (0, 1):
        losses = {"whole": 1e-5, "keys_kept": 2e-5, "random_removed": 1e-5}
        losses |= {"keys_removed": 6.0, "random_kept": 5.0}
        for kind, loss in losses.items():
            known = loss if keys or kind == "whole" else np.nan
            row = {"seed": seed, "kind": kind, "frequency": 0, "is_key": False, "loss": known}
            rows.append(row | {"accuracy": 1.0 if loss < 1 else 0.01 + seed / 100})
        for k in range(1, 7):
            row = {"seed": seed, "kind": "one_removed", "frequency": k, "is_key": k in keys}
            row["group"] = "key" if k in keys else "other"
            rows.append(row | {"loss": 3.0 if k in keys else 1e-5, "accuracy": 1.0})
    table = pd.DataFrame(rows).assign(model=model)
    return table.assign(status=["diverged" if s in diverged else "grokked" for s in table["seed"]])


def points(axis) -> list[tuple[float, float]]:
    lines = [line for line in axis.lines if line.get_marker() == "o"]
    return [point for line in lines for point in zip(*line.get_data(), strict=True)]


def test_every_frequency_and_every_set_is_drawn():
    single, sets = embedding_ablation(frame()).axes
    assert len(points(single)) == 2 * 6
    assert points(single).count((5, 3.0)) == 2
    assert sorted(loss for _, loss in points(sets)) == [1e-5] * 2 + [2e-5] * 2 + [5] * 2 + [6] * 2
    assert {"100.0", "1.0–2.0"} <= {text.get_text() for text in sets.texts}
    dashed = {line.get_ydata()[0] for line in sets.lines if line.get_linestyle() == "--"}
    assert dashed == {1e-5, np.log(13)}


def test_embedding_without_keys_has_its_frequencies_and_no_sets():
    single, sets = embedding_ablation(frame(keys=())).axes
    assert len(points(single)) == 2 * 6
    assert not points(sets)


def test_diverged_seeds_are_not_drawn_but_said():
    figure = embedding_ablation(frame(diverged=(1,)))
    assert len(points(figure.axes[0])) == 6
    assert "deep, 6 layers: 1" in figure.get_supxlabel()
    with pytest.raises(ValueError, match="no finished seed"):
        embedding_ablation(frame(diverged=(0, 1)))
