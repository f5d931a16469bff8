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
    rows = []
    groups = groups[groups["direction"] == "denoising"].dropna(subset="recovery")
    for network, own in neurons.dropna(subset="recovery").groupby(NETWORK, **KEPT):
        about = dict(zip(NETWORK, network, strict=True))
        sets = groups[(groups["entry"] == about["entry"]) & (groups["seed"] == about["seed"])]
        random = sets[sets["kind"] == "random"].groupby("n_neurons")["recovery"].mean()
        for row in [*_neurons(own), *_clusters(sets), _half(sets)]:
            n = row["n_neurons"]
            control, expected = random.get(n, math.nan), n * own["recovery"].mean()
            rows.append(about | row | {"control": control, "expected": expected})
    table = pd.DataFrame(rows, columns=[*NETWORK, *COLUMNS])
    table = table.astype({"neuron": "Int64", "frequency": "Int64", "n_neurons": "Int64"})
    return table[[*(name for name in table if name != "entry"), "entry"]]


def _neurons(own: pd.DataFrame) -> list[dict]:
    most = own.sort_values("recovery", ascending=False, kind="stable").head(N_NEURONS)
    found = most[["recovery", "frequency", "neuron"]].itertuples(index=False)
    return [_row("neuron", rank, 1, *values) for rank, values in enumerate(found, start=1)]


def _clusters(sets: pd.DataFrame) -> list[dict]:
    own = sets[(sets["kind"] == "cluster") & (sets["name"] != "other")]  # other: of no key
    own = own.sort_values("recovery", ascending=False, kind="stable")
    found = zip(own["n_neurons"], own["recovery"], own["name"].astype(int), strict=True)
    return [_row("cluster", rank, *values) for rank, values in enumerate(found, start=1)]


def _half(sets: pd.DataFrame) -> dict:
    enough = sets[(sets["kind"] == "top") & (sets["recovery"] >= HALF)]
    fewest = enough.nsmallest(1, "n_neurons")[["n_neurons", "recovery"]].to_numpy()
    return _row("half", 1, *(fewest[0] if len(fewest) else (math.nan, math.nan)))


def _row(kind: str, rank: int, n, recovery, frequency=math.nan, neuron=math.nan) -> dict:
    values = (kind, rank, neuron, frequency, n, recovery)
    return dict(zip(COLUMNS, values, strict=False))
