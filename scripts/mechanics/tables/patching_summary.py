"""Which neurons activation patching holds responsible, and how many it takes, beside controls.

Made from what was patched, neurons and groups of them (clean into corrupted).
"""

import math

import pandas as pd

from mechanics.tables.study import Study

N_NEURONS = 10  # of those that recover most alone
HALF = 0.5  # of the logit difference
NETWORK = ["model", "arm", "weight_decay", "seed", "status", "entry"]
KEPT = {"sort": False, "dropna": False}  # the weight decay of an imported network is nan
COLUMNS = ["kind", "rank", "neuron", "frequency", "n_neurons", "recovery", "control", "expected"]


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``patching_summary`` of the networks that vary no other one."""
    names = ("patched_neurons", "patched_groups")
    frames = [study.gather("modular_addition", name, variants=False) for name in names]
    return {"patching_summary": summarise(*frames)}


def summarise(neurons: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Rows of three kinds for each network and seed whose neurons can be patched in closed form:

    - neuron: the ``N_NEURONS`` that recover most, each alone
    - cluster: all neurons of one key frequency, the cluster that recovers most first
    - half: the fewest of those ranked on other prompts that recover ``HALF``; nan if none do

    ``expected`` is n_neurons/d_mlp of what all neurons recover. As effects of neurons add up, that
    is the mean over all sets of so many neurons, and clusters that share out all neurons cannot
    all exceed it. ``control`` is the mean over the few random sets that were patched.
    """
    parts, columns = [], [*NETWORK[:-1], *COLUMNS, "entry"]
    groups = groups[groups["direction"] == "denoising"].dropna(subset="recovery")
    for network, own in neurons.dropna(subset="recovery").groupby(NETWORK, **KEPT):
        about = dict(zip(NETWORK, network, strict=True))
        sets = groups[(groups["entry"] == about["entry"]) & (groups["seed"] == about["seed"])]
        random = sets[sets["kind"] == "random"].groupby("n_neurons")["recovery"].mean()
        clusters = sets[(sets["kind"] == "cluster") & (sets["name"] != "other")]  # other: of no key
        enough = sets[(sets["kind"] == "top") & (sets["recovery"] >= HALF)]
        half = enough.nsmallest(1, "n_neurons")
        kinds = {
            "neuron": _ranked(own.assign(n_neurons=1)).head(N_NEURONS),
            "cluster": _ranked(clusters.assign(frequency=clusters["name"].astype(int))),
            "half": _ranked(half if len(half) else pd.DataFrame({"recovery": [math.nan]})),
        }
        found = pd.concat([part.assign(kind=kind) for kind, part in kinds.items()])
        n = found["n_neurons"]
        found = found.assign(control=n.map(random), expected=n * own["recovery"].mean())
        parts.append(found.assign(**about)[columns])
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return table.astype({"neuron": "Int64", "frequency": "Int64", "n_neurons": "Int64"})


def _ranked(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that recover most first."""
    frame = frame.sort_values("recovery", ascending=False, kind="stable")
    return frame.assign(rank=range(1, len(frame) + 1))
