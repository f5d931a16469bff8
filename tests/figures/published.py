"""The tables of every figure: the published ones, of one seed; long ones have made-up numbers."""

from functools import cache
from pathlib import Path

import pandas as pd

from mechanics.figures.registry import HISTORY
from mechanics.tables.frames import read_table

PUBLISHED = Path(__file__).parents[2] / "results/published"
RUN = ["model", "arm", "weight_decay", "seed", "status", "entry"]
STEPS = pd.DataFrame({"step": (0, 10, 100, 1000), "done": (0.0, 0.1, 0.5, 1.0)})
NUMBERS = pd.DataFrame({"number": range(7), "x": (0, 1, 2, 3, 2, 1, 0), "y": (3, 2, 1, 0, 0, 1, 2)})
BINS = pd.DataFrame({"bin": range(3), "eigenvalue": (0.1, 1.0, 2.0), "filter": (0.1, 0.6, 1.0)})
PHASES = pd.DataFrame(
    {"input_phase": (0.5, 3.0), "output_phase": (0.6, 3.1), "share_of_key": (0.4, 0.6)}
)
EXAMPLES = pd.DataFrame(
    {"prompt": 0, "rank": (1, 2, 3), "similarity": (2.0, 0.0, -2.0), "weight": (0.5, 0.3, 0.2)}
)
MEASURES = ("restricted_loss_all", "excluded_loss_train", "norm_squared")


@cache
def published() -> dict[str, pd.DataFrame]:
    found = {path.stem: read_table(path) for path in PUBLISHED.glob("tables/*.csv")}
    found = {n: own[own["seed"] == 0] if "seed" in own else own for n, own in found.items()}
    return found | long(found)


def long(found: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What is too long to be published, of the runs of the published tables."""
    grokking, circles = found["grokking"], found["embedding_circles"]
    progress = grokking[RUN].merge(STEPS, "cross").assign(p=113)
    progress = progress.assign(**{name: progress["done"] for name in MEASURES})
    points = circles[[*RUN, "plane", "frequency"]].merge(NUMBERS, "cross")
    points = points.melt([*RUN, "plane", "frequency", "number"], ["x", "y"])
    points = points.assign(kind=points["plane"] + "_" + points["variable"], index=points["number"])
    places = pd.DataFrame({"index": range(1, 57), "frequency": 0, "value": 1 / 56})
    spectra = [
        found["circuit"][RUN].merge(places.assign(kind=kind), "cross")
        for kind in ("share", "singular_value")
    ]
    runs = found["regression_risk"][["model", "seed", "status", "k"]]
    names = pd.DataFrame({"curve": ("predicted", "measured")})
    training = found["training_theory"].merge(names, "cross")
    heads = found["attention_match"].query("k == 20")[["model", "seed", "status", "layer", "head"]]
    examples = heads.drop_duplicates().assign(k=20).merge(EXAMPLES, "cross")
    main = grokking.query("arm == 'main'")[["model", "seed"]].assign(loss=1.0, accuracy=0.5)
    risks = found["regression_risk"].query("k in [5, 50]")[["model", "seed", "k", "risk"]]
    splits = pd.DataFrame({"split": ("train", "validation")})
    emergence = found["emergence"][["task", "model", "seed", "status"]].merge(STEPS, "cross")
    return {
        "attention_examples": examples,
        "attention_matrix": examples.rename(columns={"prompt": "query_token", "rank": "key_token"}),
        "spectral_filter_curves": found["spectral_filter"].merge(runs).merge(BINS, "cross"),
        "training_theory_curves": training.merge(STEPS.rename(columns={"done": "risk"}), "cross"),
        "emergence_curves": emergence.rename(columns={"done": "held_out_loss"}),
        "embedding": pd.concat([points, *spectra], ignore_index=True),
        "neuron_phases": found["phase_law"][[*RUN, "frequency"]].merge(PHASES, "cross"),
        "progress_measures": progress,
        f"{HISTORY} of linear_regression": risks.merge(STEPS, "cross"),
        f"{HISTORY} of modular_addition": main.merge(STEPS, "cross").merge(splits, "cross"),
    }
