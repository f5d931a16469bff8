"""What the report's numbers are made from: settings of the config, and tables.

Imports neither torch nor pandas: the Snakefile reads it at every start.
"""

from mechanics.study.config import TASKS, model_entry, models

TABLES = {
    "linear_regression": (
        *("regression_risk", "effective_weights", "spectral_filter", "training_theory"),
        *("kernel_smoother", "rank_collapse", "regression_generalisation", "emergence"),
    ),
    "modular_addition": (
        *("grokking", "circuit", "frequency_ablation", "parsimony", "phase_law", "wrap_around"),
        *("norm_dose", "sum_in_stream", "sum_exchange", "patching_summary", "embedding_circles"),
    ),
}


def stated_settings(config: dict) -> dict:
    """``tracks``, and by name the settings that the report states; without what is left out."""
    found: dict = {"tracks": [task for task in TASKS if config.get(task)]}
    if section := config.get("linear_regression"):
        found |= {key: section[key] for key in ("d", "k_min", "k_max")}
        found["k_middle"] = section["tabulated_at"][:2][-1]
        found |= _of_model(section, "linear_L1_subspace", subspace_d="d_max")
    if section := config.get("modular_addition"):
        found |= {"p": section["p"], "train_share": section["train_fraction"]}
        found |= _of_model(section, "softmax_L1_fixed_norm_heated", heat="temperature")
    return found


def _of_model(section: dict, model: str, **keys: str) -> dict:
    """Settings of one model, with what it inherits, by the name that the report gives them."""
    if model not in models(section):
        return {}
    entry = model_entry(section, model)
    return {name: entry[key] for name, key in keys.items()}
