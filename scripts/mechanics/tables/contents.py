"""Which tables a study has, what each is made from, and where it lies.

The tables of a track are listed in its own room, ``{room}/measures.py``; those of both are here.
Imports neither torch nor pandas: the Snakefile reads this at every start.
"""

from importlib import import_module
from types import ModuleType

ROOMS = {"linear_regression": "regression", "modular_addition": "addition"}
BOTH = {  # the module of mechanics.tables whose function `tables` makes them
    "comparative_metrics": ["comparative_metrics", "comparative_metrics.md"],
    "abruptness": ["emergence", "emergence_curves"],
}
TOO_LONG = {  # to read: kept as parquet, with the analyses
    *("algorithm_match_by_step", "spectral_filter_curves", "training_theory_curves"),
    *("emergence_curves", "spectra", "embedding", "attention_maps"),
    *("excluded_loss", "progress_measures"),
}


def measures(task: str) -> ModuleType:
    """What is measured in a task, imported by name: no track depends on the list of the other."""
    return import_module(f"mechanics.{ROOMS[task]}.measures")


def gathered(track: str) -> dict[str, tuple[str, bool]]:
    """Tables that put together what one analysis wrote of every run.

    By name the analysis, and whether it is made of the models that vary another one, too.
    """
    return measures(track).GATHERED if track in ROOMS else {}


def computed(track: str) -> dict[str, list[str]]:
    """Tables by the module of mechanics.tables whose function ``tables`` makes them."""
    return measures(track).COMPUTED if track in ROOMS else BOTH


def place(name: str) -> str:
    """Where a table lies in the folder of a study."""
    if name in TOO_LONG:
        return f"analysis/{name}.parquet"
    return f"tables/{name}" if name.endswith(".md") else f"tables/{name}.csv"
