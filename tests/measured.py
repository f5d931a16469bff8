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
    """A run of one seed, and how it ends: of all pairs .9 are right, of the validation pairs .8."""
    ends = {"split": ["all", "validation"], "accuracy": [0.9, 0.8], "loss": [0.2, 0.3]}
    tables["evaluation"] = pd.DataFrame({"seed": 0, "min_margin": [-1.0, -0.5]} | ends)
    tables["history"] = tables["history"].drop(columns="model")
    place, settings = f"modular_addition/{entry}/0", addition_settings(**changes)
    return write_run(folder, place, [{"seed": 0} | replica], settings, **tables)


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
    rows = [
        {"seed": 0, "k": 10, "algorithm": name, "bin": b, "eigenvalue": 1.0 + b, "filter": value}
        for name, value in shares.items()
        for b in range(2)
    ]
    return pd.DataFrame(rows).assign(unexplained=0.25, penalty=0.1)


def evaluation(train: float, validation: float, n_right: int, seed: int = 0) -> pd.DataFrame:
    parts = {"all": (0.5, 100), "train": (train, 30), "validation": (validation, 70)}
    parts |= {"validation_swapped": (validation, 21)}
    rows = [
        {"seed": seed, "split": split, "accuracy": accuracy, "n_pairs": n_pairs}
        | {"n_right": n_right, "sum_fve": 0.97, "n_frequencies": 4.0}
        for split, (accuracy, n_pairs) in parts.items()
    ]
    return pd.DataFrame(rows)


def keys_of(
    *seeds: int, keys: str = "3 4", alone: float = 5.0, without: float = 6.0
) -> dict[str, pd.DataFrame]:
    """Circuit, parsimony, sum_in_stream and sum_exchange: least margin with the keys alone, loss in
    nats without them; nothing was exchanged."""
    circuit = pd.DataFrame({"seed": seeds, "key_frequencies": keys, "clock_circles": 1})
    rows = [
        {"seed": seed, "kind": kind, "min_margin": margin, "loss": loss}
        for seed in seeds
        for kind, margin, loss in (
            ("full", 9.0, 0.0),
            ("keys_only", alone, 0.0),
            ("without_keys", math.nan, without),
        )
    ]
    return {"circuit": circuit, "parsimony": pd.DataFrame(rows)} | sum_of()


def sum_of(
    *positions: str, of_sum: float = 0.999, moved: float = 0.98, by_rest: float = 0.0
) -> dict[str, pd.DataFrame]:
    """sum_in_stream and sum_exchange of a seed for each position, its carrier."""
    told = {"logits_of_sum_and_c": of_sum, "logits_of_sum_minus_c": 0.52, "neurons": 256.0}
    told |= {"neurons_of_one_sum": 126.0, "uniform_accuracy": 1.0, "share_sum": 0.8}
    stream = [
        {"seed": seed, "quantity": quantity, "value": value}
        for seed in range(len(positions))
        for quantity, value in told.items()
    ]
    exchange = [
        {"seed": seed, "position": position, "carrier": True, "exchanged": exchanged}
        | {"n_frequencies": n, "moved": share}
        for seed, position in enumerate(positions)
        for exchanged, n, share in (
            *(("keys everywhere", 6 + seed, moved), ("keys", 0, 0.0)),
            *(("rest everywhere", 0, by_rest), ("one key", 1, 0.0)),
        )
    ]
    columns = ["seed", "position", "carrier", "exchanged", "n_frequencies", "moved"]
    return {
        "sum_in_stream": pd.DataFrame(stream, columns=["seed", "quantity", "value"]),
        "sum_exchange": pd.DataFrame(exchange, columns=columns).astype({"carrier": bool}),
    }
