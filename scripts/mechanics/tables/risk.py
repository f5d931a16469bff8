"""The risk of every regression network, seed and context length, beside its laws."""

import pandas as pd

from mechanics.models.transformer import architecture
from mechanics.regression.laws.depth_laws import bracket
from mechanics.regression.laws.risk import one_step_risk, optimal_step_size
from mechanics.regression.references import mixture_risk, reference_risks
from mechanics.tables.study import Study

COLUMNS = [
    *("model", "seed", "status", "k", "n_layers"),
    *("risk", "risk_se", "risk_sampled", "risk_median", "diverged_share"),
    *("one_step_optimum", "one_step_mixture"),
    *("gd_tied", "gd_free", "gd_free_at_k", "gd_plus_plus", "mixture_floor", "polynomial_floor"),
    *("ridge", "ols"),
    *("c_hat", "c_star", "isotropy", "risk_at_c_hat"),
]


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``regression_risk``: a row per model, seed and k."""
    risks = study.gather("linear_regression", "risk")
    settings = study.settings_of("linear_regression")
    levels = {
        (model, k): laws(settings[model], k)
        for model, k in risks[["model", "k"]].drop_duplicates().itertuples(index=False)
    }
    beside = pd.DataFrame([levels[row.model, row.k] for row in risks.itertuples()])
    table = pd.concat([risks, beside], axis=1)
    table["risk_at_c_hat"] = [
        one_step_risk(row.c_hat, own["d"], row.k, own.get("noise", 0.0))
        for row in risks.itertuples()
        for own in [settings[row.model]]
    ]
    return {"regression_risk": table[COLUMNS]}


def laws(settings: dict, k: int) -> dict[str, int | float]:
    """What theory says of a network of this depth at this k."""
    n_layers, noise = settings["n_layers"], settings.get("noise", 0.0)
    d, k_min, k_max = trained = settings["d"], settings["k_min"], settings["k_max"]
    return {
        "n_layers": n_layers,
        "one_step_optimum": reference_risks(d, k, noise)["one-step optimum r*"],
        "one_step_mixture": mixture_risk(*trained, k, noise),
        "c_star": optimal_step_size(d, range(k_min, k_max + 1), noise),
        **bracket(n_layers, *trained, k, architecture(settings).zero_tokens, noise),
    }
