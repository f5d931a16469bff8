"""What is measured of a regression network's final weights, and of which networks."""

# Each measure of analyse_regression.py, and the tables that it writes of a run.
TABLES = {
    "evaluation": ["risk", "distances"],
    "filters": ["filters"],
    "attention": ["attention", "attention_examples", "attention_matrix", "query_key"],
    "generalisation": ["generalisation"],
    "smoother": ["smoother"],
    "rank_collapse": ["rank_collapse"],
    "task_diversity": ["task_diversity"],
}
MODULES = {}  # of those named otherwise
# What one analysis wrote of every run, in one table: the analysis, and whether of variants, too.
GATHERED = {
    "spectral_filter_curves": ("filters", True),
    "attention_match": ("attention", True),
    "attention_examples": ("attention_examples", False),
    "attention_matrix": ("attention_matrix", True),
    "query_key": ("query_key", True),
    "kernel_smoother": ("smoother", True),
    "rank_collapse": ("rank_collapse", True),
    "regression_generalisation": ("generalisation", True),
    "task_diversity": ("task_diversity", True),
}
# The tables that are computed, by the module of mechanics.tables that makes them, and the analysis
# without which a study lacks them.
COMPUTED = {
    "regression": {
        "regression_risk": "risk",
        "effective_weights": "effective_weights",
        "algorithm_match": "distances",
        "spectral_filter": "filters",
    },
    "training_theory": {"training_theory": None, "training_theory_curves": None},
}
FOLLOWED = ["effective_weights"]  # what follow.py writes


def defined_for(settings: dict, variant: bool = False) -> list[str]:
    """The measures that a network with these settings has; any other is refused."""
    if "n_tasks" in settings:
        return ["task_diversity"]
    deep, softmax = settings["n_layers"] > 1, settings["attention"] == "softmax"
    exact = not settings.get("noise")  # their laws are of prompts without noise
    conditions = {
        "smoother": softmax and not deep and settings["d_model"] == "token" and exact,
        "rank_collapse": deep and softmax,
        "task_diversity": False,
    }
    return [name for name in TABLES if conditions.get(name, True)]


def tables_of(settings: dict, variant: bool = False) -> list[str]:
    """All that is measured of a run, by the names of the files; of an import nothing follows it."""
    final = [table for name in defined_for(settings) for table in TABLES[name]]
    return final + ([] if "weights" in settings or "n_tasks" in settings else FOLLOWED)
