"""Every number that the report and the README state, at most eighty, computed from the tables.

A name here is a name in the prose: ``#c("c_hat")`` in ``workflow/report/prose.typ``, ``{c_hat}`` in
``workflow/report/readme.md``. What a number carries is told in ``report.cells``. The directions
that the prose states ("less than", "falls") are asserted in ``report.directions``.
"""

from functools import partial

from mechanics.report.cells import Tables, count, lower, number, setting, upper, where

ROUNDING = 1e-13  # what float64 still gives of a ratio of norms (regression.rank_collapse)
SOFTMAX, DEEP = "entry == 'softmax_L1'", "entry == 'deep_L6'"
SHIFTS = "['context_length', 'input_scale', 'weight_scale', 'covariance', 'noise']"


def numbers(tables: Tables, settings: dict) -> dict[str, dict]:
    """All numbers by name. Without tables every one is absent, and says where it would stand.

    ``tables``: frames by name; ``settings``: ``report.stated.stated_settings`` of the config.
    """
    return (
        _set_up(settings)
        | _regression(tables, settings.get("k_middle"), settings.get("k_max"), settings.get("d"))
        | _addition(tables)
    )


def _set_up(settings: dict) -> dict[str, dict]:
    regression, addition = "linear_regression", "modular_addition"
    read = partial(setting, settings)
    return {
        "d": read("d", f"{regression}.d"),
        "k_min": read("k_min", f"{regression}.k_min"),
        "k_max": read("k_max", f"{regression}.k_max"),
        "n_prompts": read("n_prompts", f"{regression}.evaluation.n_prompts", ","),
        "k_middle": read("k_middle", f"{regression}.tabulated_at.1"),
        "n_steps": read("n_steps", f"{regression}.models.deep_L6.n_layers", "word"),
        "subspace_d": read("subspace_d", f"{regression}.models.linear_L1_subspace.d_max"),
        "p": read("p", f"{addition}.p"),
        "train_share": read("train_share", f"{addition}.train_fraction", ".0%"),
        "weight_decay": read("weight_decay", f"{addition}.models.softmax_L1.weight_decay", "g"),
        "grokking_accuracy": read(
            "grokking_accuracy", f"{addition}.defaults.grokking_accuracy", ".0%"
        ),
        "sweep_steps": read("sweep_steps", f"{addition}.models.softmax_L1_wd0.steps", ","),
        "weak_decay": read("weak_decay", f"{addition}.models.softmax_L1_wd0.3.weight_decay", "g"),
    }


def _regression(
    tables: Tables, k_middle: int | None, k_max: int | None, d: int | None
) -> dict[str, dict]:
    linear, softmax, deep = (
        f"model == '{name}'" for name in ("linear_L1", "softmax_L1", "deep_L6")
    )
    risk = partial(number, tables, "regression_risk")
    weights = partial(number, tables, "effective_weights", linear, last=("step",))
    smoother = partial(number, tables, "kernel_smoother", softmax)
    shifted = partial(number, tables, "regression_generalisation")
    longest = partial(shifted, column="risk", form=".3f", last=("k", "d"))
    of_linear = f"{linear} and shift in {SHIFTS}"
    noisy = partial(shifted, column="risk", form=".2f", last=("value",))
    collapse = partial(number, tables, "rank_collapse")
    trained = f"{deep} and trained and norm == 'frobenius'"
    alone = f"{trained} and variant == 'attention_only' and ratio_median > {ROUNDING}"
    of_regression, of_addition = (
        f"task == '{task}'" for task in ("linear_regression", "modular_addition")
    )
    fall = partial(number, tables, "emergence")
    width = partial(fall, column="transition_width", form=".2f", unit="decades")
    steps = partial(fall, column="end_step - start_step", form=",.0f", unit="steps")
    return {
        # one linear layer is one gradient step
        "c_hat": risk(linear, "c_hat", ".4f"),
        "c_star": risk(linear, "c_star", ".4f", "only"),
        "law_low": risk(linear, "risk / risk_at_c_hat", ".3f", "min"),
        "law_high": risk(linear, "risk / risk_at_c_hat", ".3f", "max"),
        "correlation_gd": weights("correlation_gd", ".4f"),
        "correlation_ols": weights("correlation_ols", ".3f"),
        "correlation_null": weights("correlation_null", ".3f", "only"),
        "linear_risk": risk(f"{linear} and k == {k_max}", "risk", ".4f", unit="MSE/d"),
        "linear_law": risk(
            f"{linear} and k == {k_max}", "one_step_mixture", ".4f", "only", unit="MSE/d"
        ),
        "attention_linear": number(
            tables, "attention_match", f"{linear} and trained", "signed_correlation", ".3f"
        ),
        # softmax is a kernel smoother
        "smoother_exponential": smoother("r_squared_exponential", ".4f", "min"),
        "smoother_gaussian": smoother("r_squared_gaussian", ".2f", "max"),
        "softmax_optimum_low": smoother("risk / risk_optimum_same_prompts", ".3f", "min"),
        "softmax_optimum_high": smoother("risk / risk_optimum_same_prompts", ".3f", "max"),
        "softmax_risk": risk(f"{softmax} and k == {k_max}", "risk", ".3f", unit="MSE/d"),
        "two_heads_risk": risk(
            f"model == 'softmax_L1_2heads' and k == {k_max}", "risk", ".3f", unit="MSE/d"
        ),
        # depth
        "deep_risk": risk(f"{deep} and k == {k_middle}", "risk", ".4f", unit="MSE/d"),
        "six_steps_at_k": risk(
            f"{deep} and k == {k_middle}", "gd_free_at_k", ".3f", "only", unit="MSE/d"
        ),
        "deep_below_gd": where(
            tables,
            "regression_risk",
            deep,
            along="k",
            holds=_clearly_below_gradient_descent,
            said="the interval of risk is below gd_free_at_k",
        ),
        "deep_risk_long": risk(f"{deep} and k == {k_max}", "risk", ".4f", unit="MSE/d"),
        "deep_nearest_ols": where(
            tables,
            "algorithm_match",
            f"{deep} and algorithm == 'OLS'",
            along="k",
            holds=lambda rows: rows["nearest"].all(),
            said="nearest",
        ),
        "last_layer": number(
            tables,
            "layer_readout",
            f"{deep} and trained and k == {k_middle}",
            "gd_steps",
            ".1f",
            last=("layer",),
        ),
        # out of distribution
        "shift_low": shifted(of_linear, "risk / law", ".3f", "min"),
        "shift_high": shifted(of_linear, "risk / law", ".3f", "max"),
        "noise_linear": noisy(f"{linear} and shift == 'noise'", statistic="max", unit="MSE/d"),
        "noise_deep": noisy(f"{deep} and shift == 'noise'", statistic="min", unit="MSE/d"),
        "axis_trained": longest(
            f"model == 'linear_L1_axis' and shift == 'dimension' and d == {d}", unit="MSE/d"
        ),
        "axis_higher": longest("model == 'linear_L1_axis' and shift == 'dimension'", unit="MSE/d"),
        "subspace_higher": longest(
            "model == 'linear_L1_subspace' and shift == 'dimension'", unit="MSE/d"
        ),
        # the share of the tokens' norm that tells them apart; each seed on the worse side
        "collapse_skips": collapse(
            f"{trained} and variant == 'no_mlp'", "ratio", ".2f", "min", ("layer",)
        ),
        "collapse_mlps": collapse(
            f"{trained} and variant == 'no_skip'", "ratio", "power", "max", ("layer",)
        ),
        "collapse_attention": collapse(alone, "ratio_median", "power", "max", ("layer",)),
        "collapse_layer": collapse(alone, "layer", ".0f", "max", ("layer",)),
        # how wide the fall of the held-out loss is, from a tenth to nine tenths of it
        "fall_steps_regression": steps(f"{softmax} and {of_regression}", statistic="max"),
        "fall_steps_addition": steps(f"{softmax} and {of_addition}", statistic="min"),
        "fall_width_deep": width(f"{deep} and {of_addition}", statistic="max"),
    }


def _clearly_below_gradient_descent(rows) -> bool:
    """Whether the interval of the risk at one k is below the best gradient steps tuned at it."""
    of_one_k = partial(number, {"risk": rows}, "risk", "k == k")
    risk, steps = of_one_k("risk"), of_one_k("gd_free_at_k", statistic="only")
    return not risk["absent"] and upper(risk) < lower(steps)


def _addition(tables: Tables) -> dict[str, dict]:
    grokking = partial(number, tables, "grokking", SOFTMAX)
    circuit = partial(number, tables, "circuit", SOFTMAX)
    logits = f"{SOFTMAX} and level == 'logits' and split == 'all'"
    removed = partial(number, tables, "frequency_ablation", column="loss / loss_full")
    embedding = partial(number, tables, "embedding_ablation")
    half = partial(number, tables, "patching_summary", f"{SOFTMAX} and kind == 'half'")
    kept = partial(number, tables, "parsimony", column="min_margin")
    weak = "entry in ['softmax_L1_wd0', 'softmax_L1_wd0.1', 'softmax_L1_wd0.3']"
    before = "< transition_start_step"
    grokked = partial(count, tables, "grokking", condition="status == 'grokked'")
    return {
        # grokking
        "grokked": grokked(SOFTMAX),
        "memorised": grokking("memorised_step", ",.0f", "max", unit="steps"),
        "grokking_first": grokking("grokking_step", ",.0f", "min", unit="steps"),
        "grokking_last": grokking("grokking_step", ",.0f", "max", unit="steps"),
        "margin": grokking("min_margin", ".1f", "min"),
        # the circuit
        "n_keys_low": circuit("n_keys", ".0f", "min"),
        "n_keys_high": circuit("n_keys", ".0f", "max"),
        "logit_fve": circuit("logit_fve", ".3f", "min"),
        "angle_r_squared": number(
            tables,
            "embedding_circles",
            f"{SOFTMAX} and plane == 'key'",
            "angle_r_squared",
            ".3f",
            "min",
        ),
        "clocks": count(tables, "logit_identities", SOFTMAX, "q_clock > q_pizza"),
        # cause
        "key_ablation": removed(f"{logits} and is_key", form="power", statistic="min"),
        "other_ablation": removed(f"{logits} and not is_key", form=".2f", statistic="max"),
        "mlp_recovery": number(
            tables,
            "patching_groups",
            f"{SOFTMAX} and kind == 'mlp' and direction == 'denoising'",
            "recovery",
            ".2f",
        ),
        "half_high": half("n_neurons", ".0f", "max"),
        "half_recovered": half("recovery", ".2f", "min"),
        "half_random": half("control", ".2f", "max"),
        # the norm and weight decay
        "norm_peak": grokking("norm_squared_peak", ",.0f"),
        "norm_final": grokking("norm_squared_final", ",.0f"),
        "fall_before": count(tables, "grokking", SOFTMAX, f"steepest_fall_step {before}"),
        "relative_fall_before": count(
            tables, "grokking", SOFTMAX, f"steepest_relative_fall_step {before}"
        ),
        "grokked_fixed": grokked("entry == 'softmax_L1_fixed_norm'"),
        "grokked_off": grokked("entry == 'softmax_L1_decay_off'"),
        "grokked_weak": grokked(weak),
        # the other configurations
        "keys_deep": count(tables, "circuit", DEEP, "n_keys > 0"),
        "embedding_keys_low": embedding(f"{DEEP} and kind == 'keys_kept'", "n", ".0f", "min"),
        "embedding_keys_high": embedding(f"{DEEP} and kind == 'keys_kept'", "n", ".0f", "max"),
        "embedding_removed": embedding(
            f"{DEEP} and kind == 'keys_removed'", "accuracy", ".1%", "max"
        ),
        # parsimony, generalisation
        "keys_wd1": circuit("n_keys", ".1f"),
        "margin_formula": kept(
            f"{SOFTMAX} and kind == 'ideal' and n == 1", form=".2f", statistic="max"
        ),
        "margin_keys": kept(f"{SOFTMAX} and kind == 'keys_only'", form=".1f", statistic="min"),
        "new_pairs": circuit("accuracy_new", ".1%", "min"),
    }
