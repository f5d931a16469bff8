"""The figure of parsimony, from a frame whose content is known."""

import math

import numpy as np
import pandas as pd
import pytest

from mechanics.figures.parsimony import parsimony


def frame(model: str = "softmax_L1", n_keys: int = 3, status: str = "finished") -> pd.DataFrame:
    """Margins are n (formula: 2n; equal amplitudes: 3n, 4n; neurons: 5n) less one."""
    rows = []
    kinds = {"frequencies": 1, "ideal": 2, "equal_median": 3, "equal_best": 4}
    for kind, factor in kinds.items():
        for n in range(29):
            rows.append((kind, n, 0, min(1.0, n / 2), factor * n - 1.0))
    for kind, draws in (("neurons", 1), ("neurons_random", 2)):
        for draw in range(draws):
            rows += [(kind, n, draw, min(1.0, n / 50), 5.0 * n - 1) for n in (0, 1, 10, 100)]
    rows.append(("keys_only", n_keys, 0, 1.0, n_keys - 1.0))
    rows += [("random_frequencies", n_keys, draw, 0.0, -draw) for draw in range(4)]
    columns = ["kind", "n", "draw", "accuracy", "min_margin"]
    table = pd.DataFrame(rows, columns=columns).assign(model=model, seed=0, status=status)
    if n_keys == 0:
        missing = ~table["kind"].isin(["frequencies", "ideal"])
        table = table[~missing | (table["n"] == 0)]
        table.loc[missing & (table["n"] == 0), ["accuracy", "min_margin"]] = math.nan
    return table


def curves(axis, style_: str) -> list[np.ndarray]:
    return [np.array(line.get_ydata()) for line in axis.lines if line.get_linestyle() == style_]


def test_curves_controls_and_references_are_drawn():
    accuracy, margin, by_neuron, margin_by_neuron = parsimony(frame()).axes
    n = np.arange(11)
    np.testing.assert_allclose(curves(margin, "-")[0], n - 1)
    np.testing.assert_allclose(curves(margin, "--")[0], 2 * n[1:] - 1)
    np.testing.assert_allclose(curves(margin, ":")[0], 3 * n[1:] - 1)
    np.testing.assert_allclose(curves(margin, "-.")[0], 4 * n[1:] - 1)
    np.testing.assert_allclose(curves(accuracy, "-")[0], np.minimum(1, n / 2))
    keys, others = (next(x for x in margin.lines if x.get_marker() == m) for m in "ox")
    assert (list(keys.get_xdata()), list(keys.get_ydata())) == ([3], [2])
    assert list(others.get_ydata()) == [0, -1, -2, -3]
    assert [len(curves(axis, "-")) for axis in (by_neuron, margin_by_neuron)] == [3, 3]
    np.testing.assert_allclose(curves(margin_by_neuron, "-")[2], [4, 49, 499])


def test_network_without_keys_shows_all_frequencies_and_says_so():
    _, margin, _, by_neuron = parsimony(frame("deep_L6", n_keys=0)).axes
    assert len(curves(margin, "-")[0]) == 29
    assert "no key" in margin.texts[0].get_text()
    assert "W_L does not" in by_neuron.texts[0].get_text()
    assert not by_neuron.lines


def test_diverged_seeds_are_counted_and_all_diverged_is_refused():
    figure = parsimony(pd.concat([frame(), frame("linear_L1", status="diverged")]))
    assert len(figure.axes) == 4
    assert "linear, 1 layer: 1" in figure.get_supxlabel()
    with pytest.raises(ValueError, match="no finished seed"):
        parsimony(frame(status="diverged"))
