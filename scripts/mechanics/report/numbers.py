"""Every number that the report and the README state, or that a direction of theirs compares.

A name here is a name in the prose: ``#c("c_hat")`` in ``workflow/report/prose.typ``, ``{c_hat}`` in
``workflow/report/readme.md``. What a number carries is told in ``report.cells``. The directions
that the prose states ("less than", "falls") are asserted in ``report.directions``.
"""

from functools import partial

from mechanics.report.cells import Tables, count, number, setting

SOFTMAX, DEEP = "entry == 'softmax_L1'", "entry == 'deep_L6'"
HELD = (  # at both ε
    "model == 'softmax_L1' and entry != model and arm == 'held_norm'"
    " and norm_factor == 1 and temperature == 1"
)
FITTED_RIDGE = "ridge, penalty fitted"
FILTER = "model == 'deep_L6'"  # of the table spectral_filter
SHIFTS = "['context_length', 'input_scale', 'weight_scale', 'covariance', 'noise']"


def numbers(tables: Tables, settings: dict) -> dict[str, dict]:
    """All numbers by name. Without tables every one is absent, and says where it would stand.

    ``tables``: frames by name; ``settings``: ``report.stated.stated_settings`` of the config.
    """
    return (
        _set_up(settings)
        | _regression(tables, *map(settings.get, ("d", "k_middle", "k_max")))
        | _addition(tables)
    )


def _set_up(settings: dict) -> dict[str, dict]:
    regression, addition = "linear_regression", "modular_addition"
    read = partial(setting, settings)
    return {
        "d": read("d", f"{regression}.d"),
        "k_min": read("k_min", f"{regression}.k_min"),
        "k_max": read("k_max", f"{regression}.k_max"),
        "k_middle": read("k_middle", f"{regression}.tabulated_at.1"),
        "subspace_d": read("subspace_d", f"{regression}.models.linear_L1_subspace.d_max"),
        "p": read("p", f"{addition}.p"),
        "train_share": read("train_share", f"{addition}.train_fraction", ".0%"),
        "heat": read("heat", f"{addition}.models.softmax_L1_fixed_norm_heated.temperature", "g"),
    }


def _regression(
    tables: Tables, d: int | None, k_middle: int | None, k_max: int | None
) -> dict[str, dict]:
    linear, softmax, deep = (
        f"model == '{name}'" for name in ("linear_L1", "softmax_L1", "deep_L6")
    )
    risk = partial(number, tables, "regression_risk", unit="MSE/d")
    exact = partial(number, tables, "regression_risk", linear)
    weights = partial(number, tables, "effective_weights", linear, last=("step",))
    smoother = partial(number, tables, "kernel_smoother", softmax)
    filters = partial(number, tables, "spectral_filter", form=".3f")
    ridge = f"{FILTER} and algorithm == '{FITTED_RIDGE}' and k == {d}"
    drop = partial(number, tables, "training_theory", "arm == 'balanced start' and k == k.max()")
    shifted = partial(number, tables, "regression_generalisation")
    longest = partial(shifted, column="risk", form=".2f", last=("k", "d"), unit="MSE/d")
    of_linear = f"{linear} and shift in {SHIFTS}"
    collapse = partial(number, tables, "rank_collapse", last=("layer",))
    trained = f"{deep} and trained and norm == 'frobenius'"
    alone = "model == 'deep_L6_attention_only' and trained and norm == 'frobenius'"
    of_regression, of_addition = (
        f"task == '{task}'" for task in ("linear_regression", "modular_addition")
    )
    fall = partial(number, tables, "emergence")
    steps = partial(fall, column="end_step - start_step", form=",.0f", unit="steps")
    factor = partial(fall, column="end_step / start_step", form=".1f")
    return {
        # one linear layer is one gradient step
        "c_hat": exact("c_hat", ".4f"),
        "c_star": exact("c_star", ".4f", "only"),
        "off_law": exact("risk / risk_at_c_hat - 1", ".2%", "max"),
        "correlation_gd": weights("correlation_gd", ".4f"),
        "correlation_null": weights("correlation_null", ".2f", "only"),
        "linear_risk": risk(f"{linear} and k == {k_max}", "risk", ".3f"),
        "drop_predicted": drop("predicted", ",.0f", "median", unit="steps"),
        "drop_measured": drop("measured", ",.0f", "median", unit="steps"),
        # softmax is a kernel smoother
        "bandwidth": smoother("sqrt((omega / omega_optimum) ** 2)", ".2f"),
        "softmax_optimum": smoother("risk / risk_optimum_same_prompts", ".3f"),
        "smoother_gaussian": smoother("r_squared_gaussian", ".2f", "max"),
        # depth
        "deep_risk": risk(f"{deep} and k == {k_middle}", "risk", ".4f"),
        "six_steps": risk(f"{deep} and k == {k_middle}", "gd_free_at_k", ".3f", "only"),
        "deep_filter": filters(ridge, "distance"),
        # out of distribution
        "shift_low": shifted(of_linear, "risk / law", ".2f", "min"),
        "shift_high": shifted(of_linear, "risk / law", ".2f", "max"),
        "axis_higher": longest("model == 'linear_L1_axis' and shift == 'dimension'"),
        "subspace_higher": longest("model == 'linear_L1_subspace' and shift == 'dimension'"),
        # the share of the tokens' norm that tells them apart; each seed on the worse side
        "collapse_skips": collapse(f"{trained} and variant == 'no_mlp'", "ratio", ".2f", "min"),
        "collapse_attention": collapse(
            f"{trained} and variant == 'attention_only'", "ratio_median", "power", "max"
        ),
        "collapse_trained": collapse(alone, "ratio", ".2f", "min"),
        # how long the fall of the held-out loss takes, from a tenth to nine tenths of it
        "fall_regression": steps(f"{softmax} and {of_regression}", statistic="max"),
        "fall_addition": steps(f"{softmax} and {of_addition}", statistic="min"),
        "factor_regression": factor(f"{softmax} and {of_regression}", statistic="min"),
        "factor_addition": factor(f"{softmax} and {of_addition}", statistic="max"),
    }


def _addition(tables: Tables) -> dict[str, dict]:
    grokking = partial(number, tables, "grokking", SOFTMAX)
    circuit = partial(number, tables, "circuit", SOFTMAX)
    logits = f"{SOFTMAX} and level == 'logits' and split == 'all'"
    removed = partial(number, tables, "frequency_ablation", column="loss / loss_full")
    phases = partial(number, tables, "phase_law", SOFTMAX)
    circles = partial(number, tables, "embedding_circles")
    patched = partial(number, tables, "patching_summary")
    kept = partial(number, tables, "parsimony", column="min_margin")
    dose = partial(number, tables, "norm_dose", unit="steps")
    grokked = partial(count, tables, "norm_dose", condition="status == 'grokked'")
    held = "entry == 'softmax_L1_held'"
    stream = partial(number, tables, "sum_in_stream")
    moved = partial(number, tables, "sum_exchange", column="moved", form=".1%")
    return {
        # grokking
        "grokked": count(tables, "grokking", SOFTMAX, "status == 'grokked'"),
        "memorised": grokking("memorised_step", ",.0f", "max", unit="steps"),
        "grokking_first": grokking("grokking_step", ",.0f", "min", unit="steps"),
        "grokking_last": grokking("grokking_step", ",.0f", "max", unit="steps"),
        # the circuit
        "n_keys": circuit("n_keys", ".0f", "range"),
        "logit_fve": circuit("logit_fve", ".0%", "min"),
        "phase_cosine": phases("cosine", ".3f", "min"),
        "phase_null": phases("cosine_shuffled", ".2f", "max"),
        "neurons_read": circuit("neurons_explained_weighted", ".0%", "min"),
        "one_neuron": patched(f"{SOFTMAX} and kind == 'neuron'", "recovery", ".0%", "max"),
        "pca_circles": count(
            tables, "embedding_circles", f"{SOFTMAX} and plane == 'raw'", "angle_r_squared > 0.99"
        ),
        "key_circles": circles(f"{SOFTMAX} and plane == 'key'", "angle_r_squared", ".2f", "min"),
        "margin_keys": kept(f"{SOFTMAX} and kind == 'keys_only'", form=".0f", statistic="min"),
        # cause
        "key_ablation": removed(f"{logits} and is_key", form=",.0f", statistic="min"),
        "other_ablation": removed(f"{logits} and not is_key", form=".1f", statistic="max"),
        "stand_in": count(tables, "frequency_ablation", f"{logits} and is_key", "accuracy >= 0.99"),
        # why so late
        "norm_peak": grokking("norm_squared_peak", ",.0f"),
        "norm_final": grokking("norm_squared_final", ",.0f"),
        "falls_again": count(
            *(tables, "grokking", SOFTMAX),
            "status == 'grokked' and 0.9 <= steepest_relative_fall_step / grokking_step <= 1.1",
        ),
        "grokked_fixed": grokked("entry == 'softmax_L1_fixed_norm'"),
        "held_last": dose(HELD, "grokking_step", ",.0f", "max"),
        "grokked_small": grokked(
            "arm == 'held_norm' and temperature == 1 and norm_factor == norm_factor.min()"
        ),
        "scaled_down_last": dose(
            "arm == 'initial_norm'", "grokking_step - memorised_step", ",.0f", "max"
        ),
        "heated": grokked("arm == 'temperature'"),
        "sham": grokked("arm == 'sham'"),
        "keys_free": circuit("n_keys", ".1f"),
        "keys_held": dose(held, "n_keys", ".1f", unit=""),
        "keys_by_decay": dose(
            "model == 'softmax_L1' and arm in ['main', 'weight_decay'] and epsilon == 1e-8"
            " and status == 'grokked'",
            *("n_keys", ".0f", "range"),
            unit="",
        ),
        # the deep network
        "deep_of_sum": stream(
            f"{DEEP} and quantity == 'logits_of_sum_and_c'", "value", ".1%", "min"
        ),
        "deep_moved": moved(f"{DEEP} and exchanged == 'keys everywhere'", statistic="min"),
        "deep_rest": moved(f"{DEEP} and exchanged == 'rest everywhere'", statistic="max"),
        # parsimony, generalisation
        "margin_formula": kept(
            f"{SOFTMAX} and kind == 'ideal' and n == 1", form=".2f", statistic="max"
        ),
        "new_pairs": circuit("accuracy_new", ".0%", "min"),
    }
