"""What the analyses of a run write, small and by hand, for tests of what is said of it."""

import json
import math
from pathlib import Path

import pandas as pd
from helpers import addition_settings


def replicas(*statuses: str) -> list[dict]:
    """Seeds 0, 1, … of a run, and how each ended."""
    return [{"seed": seed, "status": status} for seed, status in enumerate(statuses)]


def write_run(
    folder: Path, run: str, of_seeds: list[dict], settings: dict, **tables: pd.DataFrame
) -> Path:
    """A run, {task}/{model}/{block}: its record, its ``history`` if given, and its analyses."""
    written, analysis = folder / "runs" / run, folder / "analysis" / run
    for place in (written, analysis):
        place.mkdir(parents=True)
    (written / "run.json").write_text(json.dumps({"replicas": of_seeds, "settings": settings}))
    for name, frame in tables.items():
        frame.to_parquet((written if name == "history" else analysis) / f"{name}.parquet")
    return written


def write_addition_run(
    folder: Path, entry: str, replica: dict, changes: dict, **tables: pd.DataFrame
) -> Path:
    """A run of one seed, and how it ends: of all pairs .9 are right, of the validation pairs .8.

    It finished at the last step of its ``history``, unless its ``replica`` says otherwise.
    """
    ends = {"split": ["all", "validation"], "accuracy": [0.9, 0.8], "loss": [0.2, 0.3]}
    ends |= {"key_frequencies": "3 14", "logit_fve": 0.9}
    tables["evaluation"] = pd.DataFrame({"seed": 0, "min_margin": [-1.0, -0.5]} | ends)
    history = tables["history"] = tables["history"].drop(columns="model")
    own = {"seed": 0, "status": "finished", "last_step": int(history["step"].iloc[-1])} | replica
    place, settings = f"modular_addition/{entry}/0", addition_settings(**changes)
    return write_run(folder, place, [own], settings, **tables)


def history_of(steps, train, validation) -> pd.DataFrame:
    """A history of modular addition, from the accuracies on both kinds of pairs."""
    return pd.DataFrame(
        {"model": "m", "seed": 0, "step": step, "split": split}
        | {"accuracy": float(accuracy), "loss": 1.1 - accuracy, "norm_squared": 1.0}
        for split, accuracies in (("train", train), ("validation", validation))
        for step, accuracy in zip(steps, accuracies, strict=True)
    )


def filters(**by_algorithm: float) -> pd.DataFrame:
    """A network that keeps 0 of w everywhere, beside algorithms that keep other shares of it."""
    shares = {"network": 0.0} | {n.replace("_", " "): value for n, value in by_algorithm.items()}
    found = pd.DataFrame(shares.items(), columns=["algorithm", "filter"])
    found = found.merge(pd.DataFrame({"bin": [0, 1], "eigenvalue": [1.0, 2.0]}), "cross")
    return found.assign(seed=0, k=10, unexplained=0.25, penalty=0.1)


def evaluation(train: float, validation: float, n_right: int, seed: int = 0) -> pd.DataFrame:
    parts = pd.DataFrame({"split": ["all", "train", "validation", "validation_swapped"]})
    parts = parts.assign(accuracy=[0.5, train, validation, validation], n_pairs=[100, 30, 70, 21])
    return parts.assign(seed=seed, n_right=n_right, sum_fve=0.97, n_frequencies=4.0)


def keys_of(
    *seeds: int, keys: str = "3 4", alone: float = 5.0, without: float = 6.0
) -> dict[str, pd.DataFrame]:
    """Circuit, parsimony, sum_in_stream and sum_exchange: least margin with the keys alone, loss in
    nats without them; nothing was exchanged."""
    circuit = pd.DataFrame({"seed": seeds, "key_frequencies": keys, "clock_circles": 2})
    kinds = pd.DataFrame({"kind": ["full", "keys_only", "without_keys"]})
    kinds = kinds.assign(min_margin=[9.0, alone, math.nan], loss=[0.0, 0.0, without])
    return {"circuit": circuit, "parsimony": circuit[["seed"]].merge(kinds, "cross")} | sum_of()


def sum_of(
    *positions: str, of_sum: float = 0.999, moved: float = 0.98, by_rest: float = 0.0
) -> dict[str, pd.DataFrame]:
    """sum_in_stream and sum_exchange of a seed for each position, its carrier."""
    told = {"logits_of_sum_and_c": of_sum, "logits_of_sum_minus_c": 0.52, "neurons": 256.0}
    told |= {"neurons_of_one_sum": 126.0, "uniform_accuracy": 1.0, "share_sum": 0.8}
    seeds = pd.DataFrame({"seed": range(len(positions)), "position": positions})
    told = pd.DataFrame(told.items(), columns=["quantity", "value"])
    stream = seeds[["seed"]].merge(told, "cross")
    parts = [("keys everywhere", 6, moved), ("keys", 0, 0.0)]
    parts += [("rest everywhere", 0, by_rest), ("one key", 1, 0.0)]
    parts = pd.DataFrame(parts, columns=["exchanged", "n_frequencies", "moved"])
    exchange = seeds.merge(parts, "cross").assign(carrier=True)
    exchange["n_frequencies"] += exchange["seed"] * (exchange["exchanged"] == "keys everywhere")
    return {"sum_in_stream": stream, "sum_exchange": exchange}
