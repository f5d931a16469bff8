"""Which tables a study has, what each is made from, and where it lies.

The tables of a track are listed in its own room, ``{room}/measures.py``; those of both are here.
Imports neither torch nor pandas: the Snakefile reads this at every start.
"""

from importlib import import_module
from types import ModuleType

ROOMS = {"linear_regression": "regression", "modular_addition": "addition"}
BOTH = {  # tables of both tracks, as COMPUTED of a track's measures
    "comparison": {"comparison": {"comparative_metrics": None, "comparative_metrics.md": None}},
    "emergence": {"emergence": {"emergence": None, "emergence_curves": None}},
}
DOSES = ("norm_factor", "orthogonal_gradient", "temperature", "epsilon", "restart_at")
TOO_LONG = {  # to read: kept as parquet, with the analyses
    *("attention_matrix", "spectral_filter_curves", "training_theory_curves", "emergence_curves"),
    *("embedding", "neuron_phases", "progress_measures", "attention_examples"),
}
SLOW = ("training_theory", "training_theory_curves")  # a minute, where the others take seconds


def measures(task: str) -> ModuleType:
    """What is measured in a task, imported by name: no track depends on the list of the other."""
    return import_module(f"mechanics.{ROOMS[task]}.measures")


def module_of(task: str, measure: str) -> str:
    """The module of a measure, imported by name: a run waits for those of its own measures alone.

    It has the measure's name, but for those in the track's ``MODULES``.
    """
    return f"mechanics.{ROOMS[task]}.{measures(task).MODULES.get(measure, measure)}"


def adds(settings: dict) -> bool:
    """Whether an addition network adds, and neither subtracts nor multiplies."""
    return settings.get("operation", "add") == "add"


def is_dose(settings: dict) -> bool:
    """Whether a variant is there for the table ``norm_dose`` alone, and the others leave it out.

    It asks what norm, temperature or ε do to grokking, or nothing follows its training.
    """
    followed = settings.get("checkpoints_at", True) is not None
    scaled_down = settings.get("after_memorising") == "initial_norm"
    dosed = any(key in settings for key in DOSES)
    held = settings.get("norm", "free") != "free"
    return not followed or (adds(settings) and (scaled_down or dosed or held))


def gathered(track: str) -> dict[str, tuple[str, bool]]:
    """Tables that put together what one analysis wrote of every run.

    By name the analysis, and whether it is made of the models that vary another one, too.
    """
    return measures(track).GATHERED if track in ROOMS else {}


def computed(track: str) -> dict[str, dict[str, str | None]]:
    """Tables by the module of mechanics.tables whose function ``tables`` makes them.

    Of each the analysis of which some network must have it, or None.
    """
    return measures(track).COMPUTED if track in ROOMS else BOTH[track]


def job_of(name: str) -> str:
    """Which job of a track makes a table: what is slow, or long, is made apart from the others."""
    return "theory" if name in SLOW else "long" if name in TOO_LONG else ""


def place(name: str) -> str:
    """Where a table lies in the folder of a study."""
    if name in TOO_LONG:
        return f"analysis/{name}.parquet"
    return f"tables/{name}" if name.endswith(".md") else f"tables/{name}.csv"
