"""What the analyses of a run write, small and by hand, for tests of what is said of it."""

import math

import pandas as pd


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
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Circuit and parsimony: least margin with the keys alone, loss in nats without them."""
    circuit = pd.DataFrame({"seed": seeds, "key_frequencies": keys, "q_clock": 0.9, "q_pizza": 0.8})
    rows = [
        {"seed": seed, "kind": kind, "min_margin": margin, "loss": loss}
        for seed in seeds
        for kind, margin, loss in (
            ("full", 9.0, 0.0),
            ("keys_only", alone, 0.0),
            ("without_keys", math.nan, without),
        )
    ]
    return circuit, pd.DataFrame(rows)
