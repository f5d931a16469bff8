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
    own = summarise(*tables()).query("kind == 'neuron'")
    assert own[["rank", "neuron", "frequency", "recovery"]].values.tolist() == [
        *([1, 3, 5, 0.45], [2, 1, 3, 0.3], [3, 0, 3, 0.1], [4, 2, 5, 0.05])
    ]


def test_clusters_stand_beside_random_sets_and_share_out_the_whole():
    own = summarise(*tables()).query("kind == 'cluster'").set_index("frequency")
    assert own["recovery"].to_dict() == pytest.approx({5: 0.5, 3: 0.4})
    assert own["control"].tolist() == pytest.approx([0.35, 0.35])  # 0.15 and 0.55
    assert own["expected"].tolist() == pytest.approx([0.45, 0.45])  # together as the recovery


def test_fewest_neurons_that_recover_half():
    columns = ["n_neurons", "recovery", "control"]
    (half,) = summarise(*tables()).query("kind == 'half'")[columns].values
    assert half == pytest.approx([2, 0.75, 0.35])
    weak = summarise(*tables(RECOVERY / 2)).query("kind == 'half'")
    assert weak["n_neurons"].isna().all()


def test_network_whose_neurons_were_not_patched_has_no_rows():
    assert summarise(*tables(RECOVERY * np.nan)).empty
