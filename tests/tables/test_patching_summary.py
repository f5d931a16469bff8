"""The summary of patching, from neurons whose effects are known and add up."""

import numpy as np
import pandas as pd
import pytest

from mechanics.tables.patching_summary import summarise

RECOVERY = np.array([0.1, 0.3, 0.05, 0.45])  # of neurons 0 … 3: 0.9 together
ABOUT = {"model": "softmax_L1", "arm": "main", "weight_decay": 1.0, "seed": 0}
ABOUT |= {"status": "grokked", "entry": "softmax_L1"}


def tables(recovery: np.ndarray = RECOVERY) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cluster 3 is neurons 0 and 1, cluster 5 neurons 2 and 3; noising is half of all."""
    frequency = [3, 3, 5, 5]
    neurons = pd.DataFrame({"neuron": range(4), "frequency": frequency, "recovery": recovery})
    sets = [("cluster", "3", [0, 1]), ("cluster", "5", [2, 3]), ("cluster", "other", [])]
    sets += [("top", "1", [3]), ("top", "2", [3, 1]), ("top", "4", [0, 1, 2, 3])]
    sets += [("random", "2 neurons, order 0", [0, 2]), ("random", "2 neurons, order 1", [0, 3])]
    rows = [
        {"kind": kind, "name": name, "n_neurons": len(members), "direction": direction}
        | {"recovery": factor * recovery[members].sum()}
        for direction, factor in (("denoising", 1.0), ("noising", 0.5))
        for kind, name, members in sets
    ]
    return neurons.assign(**ABOUT), pd.DataFrame(rows).assign(**ABOUT)


def test_neurons_stand_in_the_order_of_their_recovery():
    table = summarise(*tables())
    own = table[table["kind"] == "neuron"]
    assert own["rank"].tolist() == [1, 2, 3, 4]
    assert own["neuron"].tolist() == [3, 1, 0, 2]
    assert own["frequency"].tolist() == [5, 3, 3, 5]
    assert own["recovery"].tolist() == [0.45, 0.3, 0.1, 0.05]


def test_clusters_stand_beside_random_sets_and_share_out_the_whole():
    table = summarise(*tables())
    own = table[table["kind"] == "cluster"]
    assert own["frequency"].tolist() == [5, 3]
    assert own["recovery"].tolist() == pytest.approx([0.5, 0.4])
    assert own["control"].tolist() == pytest.approx([0.35, 0.35])  # 0.15 and 0.55
    assert own["expected"].tolist() == pytest.approx([0.45, 0.45])
    assert own["recovery"].sum() == pytest.approx(own["expected"].sum())


def test_fewest_neurons_that_recover_half():
    table = summarise(*tables())
    half = table[table["kind"] == "half"].iloc[0]
    assert half["n_neurons"] == 2
    assert half["recovery"] == pytest.approx(0.75)
    assert half["control"] == pytest.approx(0.35)
    weak = summarise(*tables(RECOVERY / 2))
    assert weak.loc[weak["kind"] == "half", "n_neurons"].isna().all()


def test_network_whose_neurons_were_not_patched_has_no_rows():
    assert summarise(*tables(RECOVERY * np.nan)).empty
