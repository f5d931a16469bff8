"""The figure of activation patching, from frames whose content is known."""

import numpy as np
import pandas as pd
import pytest

from mechanics.figures.neuron_patching import neuron_patching

D_MLP = 8


def one_layer(hooked: bool = True, known: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two seeds; neuron i recovers (8 − i)/36; clusters 3 (even neurons) and 5 (odd ones)."""
    nan = 1.0 if known else np.nan
    neurons, groups = [], []
    for seed in (0, 1):
        for i in range(D_MLP):
            share = (D_MLP - i) / 36 * nan
            row = {"seed": seed, "neuron": i, "frequency": 5 if i % 2 else 3, "recovery": share}
            row |= {
                "effect_closed_form": 10 * share,
                "effect_hooked": 10 * share,
                "deviation": 4e-9,
            }
            if not hooked:
                row |= {"effect_hooked": np.nan, "deviation": np.nan}
            neurons.append(row)
        for direction in ("denoising", "noising"):
            base = {"seed": seed, "direction": direction}
            if known:
                groups.append(base | group("cluster", "3", 4, 20 / 36))
                groups.append(base | group("cluster", "5", 4, 16 / 36))
            for n in (2, 4, 8):
                groups.append(base | group("top", str(n), n, (17 - n) * n / 72 * nan))
                for order in (0, 1):
                    name = f"{n} neurons, order {order}"
                    groups.append(base | group("random", name, n, n / 8 * nan))
            groups.append(base | group("head", "L0H0", 0, 0.3 * nan if hooked else np.nan))
            groups.append(base | group("mlp", "L0", 0, nan))
            groups.append(base | group("attention", "L0 direct", 0, 0.0 * nan))
    return labelled(neurons, "softmax_L1"), labelled(groups, "softmax_L1")


def group(kind: str, name: str, n_neurons: int, recovery: float) -> dict:
    return {"kind": kind, "name": name, "n_neurons": n_neurons, "recovery": recovery}


def labelled(rows: list[dict], model: str) -> pd.DataFrame:
    return pd.DataFrame(rows).assign(model=model, status="finished")


def deep() -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = []
    for layer in range(3):
        for kind, name, value in (
            ("head", f"L{layer}H0", 0.1),
            ("head", f"L{layer}H1", 0.2),
            ("position", f"L{layer} a", 0.5 - layer / 10),
            ("position", f"L{layer} =", layer / 10),
            ("mlp", f"L{layer}", 0.4),
            ("attention", f"L{layer}", 0.3),
        ):
            rows.append({"seed": 0, "direction": "denoising"} | group(kind, name, 0, value))
    neurons = [{"seed": 0, "neuron": 0, "frequency": 1, "recovery": np.nan}]
    return labelled(neurons, "deep_L6"), labelled(rows, "deep_L6")


def words(axis) -> str:
    return " ".join(text.get_text() for text in [*axis.texts, axis.title])


def test_neurons_by_cluster_and_cumulative_curves():
    ranked, cumulative = neuron_patching(*one_layer()).axes[:2]
    drawn = [line.get_ydata() for line in ranked.lines if line.get_linestyle() == "None"]
    np.testing.assert_allclose(drawn[0], 100 * np.array([8, 6, 4, 2]) / 36)
    np.testing.assert_allclose(drawn[1], 100 * np.array([7, 5, 3, 1]) / 36)
    assert "k = 3: 4 neurons" in words(ranked)
    assert "seed 0" in words(ranked)
    *random, first, second, expected = cumulative.lines
    assert len(random) == 4
    for line in random:
        np.testing.assert_allclose(line.get_ydata(), [25, 50, 100])
    for line in (first, second):
        np.testing.assert_allclose(line.get_ydata(), 100 * np.array([30, 52, 72]) / 72)
    assert expected.get_linestyle() == "--"
    np.testing.assert_allclose(expected.get_ydata(), [0, 100])


def test_parts_are_named_and_clusters_stand_beside_their_controls():
    parts = neuron_patching(*one_layer()).axes[2]
    names = [text.get_text() for text in parts.get_yticklabels()]
    assert names == [
        "cluster 1 (k = 3, 3)",
        "cluster 2 (k = 5, 5)",
        "head H0",
        "MLP",
        "attention, direct",
    ]
    first = [line for line in parts.lines if set(line.get_ydata()) == {0}]
    values = [np.unique(line.get_xdata()).tolist() for line in first]
    assert values == [pytest.approx([2000 / 36])] * 2 + [[50]]  # both directions, then control


def test_largest_deviation_is_written():
    agreement = neuron_patching(*one_layer()).axes[3]
    assert "16 neurons" in words(agreement)
    assert "4e-09 logits" in words(agreement)


def test_linear_attention_has_no_hooks_and_says_so():
    axes = neuron_patching(*one_layer(hooked=False)).axes
    assert "closed form only" in words(axes[3])
    assert not axes[3].lines
    assert "head H0" not in [text.get_text() for text in axes[2].get_yticklabels()]


def test_network_that_answers_nothing_is_not_drawn_but_said():
    axes = neuron_patching(*one_layer(known=False)).axes
    assert "nothing to recover" in words(axes[0])
    assert not any(axis.lines for axis in axes)


def test_deep_network_is_drawn_by_layer():
    both = zip(one_layer(), deep(), strict=True)
    figure = neuron_patching(*(pd.concat(frames, ignore_index=True) for frames in both))
    positions, added = figure.axes[4:]
    np.testing.assert_allclose(positions.lines[0].get_ydata(), [50, 40, 30])
    np.testing.assert_allclose(positions.lines[1].get_ydata(), [0, 10, 20])
    assert [line.get_ydata()[0] for line in added.lines] == pytest.approx([40, 30, 20])
    assert "strongest\nhead" in words(added)


def test_diverged_seeds_are_counted_and_not_drawn():
    neurons, groups = one_layer()
    for frame in (neurons, groups):
        frame.loc[frame["seed"] == 1, "status"] = "diverged"
    figure = neuron_patching(neurons, groups)
    assert "1 seed" in words(figure.axes[1])
    assert "softmax, 1 layer: 1" in figure._supxlabel.get_text()
