# Track A: which networks an analysis is defined for, and what tables and figures come of it.


def on_tokens(entry):
    return entry["d_model"] == "token"


# A table that puts what one analysis wrote for every run into one file: the analysis it gathers, and
# the networks for which that analysis is defined.
GATHERED = {
    "attention_match": ("attention", lambda entry: True),
    "attention_examples": ("attention_examples", lambda entry: True),
    "query_key": ("query_key", on_tokens),
    "kernel_smoother": (
        "smoother",
        lambda entry: on_tokens(entry)
        and entry["attention"] == "softmax"
        and entry["n_layers"] == 1,
    ),
    "layer_readout": ("layers", lambda entry: entry["n_layers"] > 1),
    "rank_collapse": (
        "rank_collapse",
        lambda entry: entry["n_layers"] > 1 and entry["attention"] == "softmax",
    ),
    "regression_generalisation": ("generalisation", lambda entry: True),
}


def gathered_runs(table):
    """run.json of the regression runs that a gathered table speaks of."""
    section = config["linear_regression"]
    suitable = GATHERED[table][1]
    return [
        path
        for path in runs("linear_regression", "run.json")
        if suitable(study.model_entry(section, Path(path).parents[1].name))
    ]


def table(name):
    """Where a table lies: what is too long to read is kept with the analyses."""
    if name in ("algorithm_match_by_step", "emergence_curves"):
        return f"{RESULTS}/analysis/{name}.parquet"
    return f"{RESULTS}/tables/{name}.csv"


def regression_results():
    """Tables and figures of Track A, without those that no network of the study is fit for."""
    if "linear_regression" not in TASKS:
        return []
    missing = {name for name in GATHERED if not gathered_runs(name)}
    drawn = [
        name
        for name, needed in registry.FIGURES["linear_regression"].items()
        if not missing.intersection(needed)
    ]
    own = ["regression_risk", "effective_weights", "algorithm_match", "emergence"]
    return [
        *map(table, own),
        *(table(name) for name in GATHERED if name not in missing),
        *figures(*drawn),
    ]
