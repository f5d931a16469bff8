"""The tables of every figure: the published ones, of one seed; long ones have made-up numbers."""

from functools import cache
from pathlib import Path

import pandas as pd

from mechanics.figures.registry import HISTORY
from mechanics.figures.training_theory import ARMS
from mechanics.tables.frames import read_table

PUBLISHED = Path(__file__).parents[2] / "results/published"
RUN = ["model", "arm", "weight_decay", "seed", "status", "entry"]
STEPS = pd.DataFrame({"step": (0, 10, 100, 1000), "done": (0.0, 0.1, 0.5, 1.0)})
NUMBERS = pd.DataFrame({"number": range(7), "x": (0, 1, 2, 3, 2, 1, 0), "y": (3, 2, 1, 0, 0, 1, 2)})
LAW = {"cosine": 0.99, "cosine_shuffled": 0.3, "n_effective": 40.0, "quadrature_error": 0.02}
LAW |= {"recovery": 0.2, "recovery_predicted": 0.21}
PHASES = pd.DataFrame(
    {"input_phase": (0.5, 3.0), "output_phase": (0.6, 3.1), "share_of_key": (0.4, 0.6)}
)
GROUPS = {True: "key", False: "other"}
MEASURES = (
    *("loss_train", "loss_validation", "restricted_loss_all", "excluded_loss_train"),
    *("accuracy_train", "accuracy_validation_swapped", "accuracy_validation_new", "logit_fve"),
    *("accuracy_validation", "neuron_share", "gini_W_E", "gini_W_U", "norm_squared"),
    *("effective_rank_W_E", "effective_rank_W_U"),
)
MOMENTS = ("memorised", "circuit_formation", "cleanup", "grokking", "cleanup_end")
SUMS = pd.DataFrame(
    {
        "position": position,
        "layer": layer,
        "quantity": quantity,
        "frequency": k,
        "value": 0.1 * layer,
    }
    for position in ("b", "=")
    for layer in (0, 1, 2)
    for quantity, k in (("share_sum", 0), ("spectrum", 3), ("spectrum", 4))
)
EXCHANGED = pd.DataFrame(
    {"position": "b", "layer": 1, "carrier": True, "exchanged": exchanged, "n_frequencies": n}
    | {"frequencies": listed, "moved": 0.5 * n, "kept": 1 - 0.5 * n}
    for exchanged, n, listed in (
        *(("keys", 0, ""), ("keys", 1, "3"), ("keys", 2, "3 4"), ("rest", 0, "")),
        *(("one key", 1, "3"), ("one key", 1, "4"), ("others", 0, "")),
    )
)


@cache
def published() -> dict[str, pd.DataFrame]:
    found = {path.stem: read_table(path) for path in PUBLISHED.glob("tables/*.csv")}
    found = {n: own[own["seed"] == 0] if "seed" in own else own for n, own in found.items()}
    ends = found["emergence"]
    ends["transition_steps"] = ends["end_step"] - ends["start_step"]  # published without them
    grokking, circuit, circles = (
        found[name] for name in ("grokking", "circuit", "embedding_circles")
    )
    progress = grokking[RUN].merge(STEPS, "cross").assign(p=113)
    progress = progress.assign(**{name: progress["done"] for name in MEASURES})
    progress = progress.assign(**{f"{name}_step": 10.0 + i for i, name in enumerate(MOMENTS)})
    points = (
        circles[[*RUN, "plane", "frequency"]]
        .merge(NUMBERS, "cross")
        .melt([*RUN, "plane", "frequency", "number"], ["x", "y"])
    )
    points = points.assign(kind=points["plane"] + "_" + points["variable"], index=points["number"])
    places = pd.DataFrame({"index": range(1, 57), "frequency": 0, "value": 1 / 56})
    spectra = [
        circuit[RUN].merge(places.assign(kind=kind), "cross")
        for kind in ("share", "singular_value")
    ]
    emergence = found["emergence"][["task", "model", "seed", "status"]].merge(STEPS, "cross")
    risks = found["regression_risk"].query("k in [5, 50]")[["model", "seed", "k", "risk"]]
    doses = grokking[[*RUN, "memorised_step", "grokking_step", "last_step"]].assign(
        norm_factor=1.0, temperature=8.0, epsilon=1e-8, n_keys=2, logit_scale_memorised=5.0
    )
    doses = pd.concat([doses.assign(arm="held_norm"), doses.assign(temperature=1.0)])
    splits = pd.DataFrame({"split": ("train", "validation")})
    learned = grokking.query("arm == 'main'")[["model", "seed"]].merge(STEPS, "cross")
    main = grokking.query("arm == 'main'")[RUN]
    law = found["logit_identities"][[*RUN, "frequency"]].assign(n_neurons=90, **LAW)
    phases = law[[*RUN, "frequency"]].merge(PHASES, "cross")
    ablation = found["embedding_ablation"]
    bins = pd.DataFrame({"bin": range(3), "eigenvalue": (0.1, 1.0, 2.0), "filter": (0.1, 0.6, 1.0)})
    kinds = pd.DataFrame({"algorithm": ("network", "one-step GD", "OLS"), "distance": 0.1})
    kinds = kinds.assign(unexplained=0.05, nearest=kinds["algorithm"] == "OLS")
    filters = found["regression_risk"].query("k in [5, 50]")[["model", "seed", "status", "k"]]
    filters = filters.merge(kinds, "cross")
    arms = pd.DataFrame({"arm": ARMS, "model": "linear_L1", "status": "finished", "seed": 0})
    arms = arms.assign(k=50.0, predicted=10.0, measured=12.0, measured_over_predicted=1.2)
    both = pd.DataFrame({"curve": ("predicted", "measured")})
    training = arms.merge(both, "cross").merge(STEPS.rename(columns={"done": "risk"}), "cross")
    examples = found["attention_examples"].rename(columns={"position": "rank"})
    return found | {
        "regression_risk": found["regression_risk"].assign(mixture_floor=1e-3),
        "norm_dose": doses,
        "sum_in_stream": main.merge(SUMS, "cross"),
        "sum_exchange": main.merge(EXCHANGED, "cross"),
        "phase_law": law,
        "neuron_phases": phases,
        "attention_examples": examples,
        "attention_matrix": examples.assign(
            query_token=examples["prompt"] + 1, key_token=examples["rank"]
        ),
        "circuit": circuit.assign(neurons_explained_weighted=0.98),
        "embedding_ablation": ablation.assign(group=ablation["is_key"].map(GROUPS)),
        "spectral_filter": filters,
        "spectral_filter_curves": filters.merge(bins, "cross"),
        "training_theory": arms,
        "training_theory_curves": training,
        "progress_measures": progress,
        "embedding": pd.concat([points, *spectra], ignore_index=True),
        "emergence_curves": emergence.rename(columns={"done": "held_out_loss"}),
        f"{HISTORY} of linear_regression": risks.merge(STEPS, "cross"),
        f"{HISTORY} of modular_addition": learned.merge(splits, "cross").assign(
            loss=1.0, accuracy=0.5
        ),
    }
