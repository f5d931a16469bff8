"""The effective weights of every regression network at every checkpoint, beside their nulls.

Correlations are means over the context lengths of the learning curves. The nulls:
correlation_null, √(k/(k+d+1)), is what w itself has with W_GD = ηXᵀY, so that any network that
knows w reaches it; correlation_untrained is the same network's at step 0; correlation_shuffled
its own with W_GD of the context's y in another order (by law √((k+d+1)/(k(kd+4)))).
"""

import pandas as pd

from mechanics.regression.laws.risk import gradient_cosine, optimal_step_size
from mechanics.tables.study import Study

COLUMNS = [
    *("model", "seed", "status", "step", "c_hat", "c_star", "isotropy", "fitted_step_size"),
    *("correlation_gd", "correlation_ols", "correlation_null", "correlation_untrained"),
    *("correlation_shuffled", "cosine_gd", "cosine_ols"),
]


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``effective_weights``: a row per model, seed and step."""
    frame = study.gather("linear_regression", "effective_weights")
    return {"effective_weights": tabulate(frame, study.settings_of("linear_regression"))}


def tabulate(frame: pd.DataFrame, settings: dict[str, dict]) -> pd.DataFrame:
    """Means over k, and the nulls beside them."""
    frame = frame.copy()
    frame["correlation_null"] = [
        gradient_cosine(settings[model]["d"], k, settings[model].get("noise", 0.0))
        for model, k in zip(frame["model"], frame["k"], strict=True)
    ]
    keys = ["model", "seed", "status", "step"]
    means = [name for name in COLUMNS if name in frame and name not in keys]
    table = frame.groupby(keys, sort=False)[means].mean().reset_index()
    untrained = table.loc[table["step"] == 0, ["model", "seed", "correlation_gd"]]
    untrained = untrained.rename(columns={"correlation_gd": "correlation_untrained"})
    table = table.merge(untrained, on=["model", "seed"], how="left", validate="m:1")
    table["c_star"] = [
        optimal_step_size(s["d"], range(s["k_min"], s["k_max"] + 1), s.get("noise", 0.0))
        for s in map(settings.get, table["model"])
    ]
    return table[COLUMNS]
