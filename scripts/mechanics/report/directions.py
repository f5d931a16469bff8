"""Every direction that the prose states, asserted.

The prose states it as it came out in the full study, and a sentence that states one stands in
``#when("name")[…]`` (in the README on a line with ``{name}``). Where it does not hold, as in a
study of minutes, the sentence falls away and the report says at its end that it does not hold.
"""

import pandas as pd
from pandas.api.typing import NAType

from mechanics.report.cells import Tables, Value, count, lower, number, upper, value
from mechanics.report.numbers import DEEP, FILTER, FITTED_RIDGE, HELD, SOFTMAX
from mechanics.tables.frames import sound

# What the prose states, by the names that it gives to ``#when``.
SENTENCES = {
    # Track A
    "is_one_step": "the effective weights of a linear layer are those of a gradient step",
    "follows_law": "the exact risk of a linear layer is within a percent of its step's",
    "misses_ols": "one step has more error than least squares",
    "drop_on_time": "the risk drops within a fiftieth of the step that theory predicts",
    "is_smoother": (
        "a softmax layer has the kernel and the risk of the best smoother, to a twentieth"
    ),
    "not_gaussian": "the Gaussian kernel explains less than nine tenths of its predictions",
    "deep_beats_gd": (
        "the deep network has less risk than as many gradient steps as it has layers, at the"
        " middle length surely and at most of the others in the mean"
    ),
    "deep_needs_examples": "at the shortest length it has more",
    "adam_is_rough": "for Adam the predicted moment is off by more than a tenth in the mean",
    "is_ridge": "at k = d the filter of a fitted ridge regression is nearest to the deep network's",
    "deep_is_brittle": "with noise every deep network has more risk than every linear one",
    "axis_fails": "in new dimensions fixed coordinates have more risk than random subspaces",
    "skips_prevent_collapse": (
        "skip connections keep the tokens apart, attention alone leaves rounding errors"
    ),
    "collapse_is_avoided": "a network trained as attention alone keeps its tokens apart",
    "grokking_takes_longer": (
        "the loss of a softmax network takes more steps to fall on addition, in every seed"
    ),
    "grokking_is_sharper": "as a factor of its first step it takes less, in every seed",
    # Track B
    "delay_is_long": "every seed generalises at more than three times the step of memorising",
    "all_right": "every seed answers all pairs",
    "phases_add": "the phases of a neuron add up in every circle",
    "no_jump": (
        "without the wave that turns once no neuron follows the wrap round p by a tenth more"
        " than shuffled ones do"
    ),
    "keys_suffice": "with the key frequencies alone the loss is at most the whole network's",
    "guesses_without": "without them the network is worse than guessing",
    "keys_needed": "removing any key multiplies the loss a hundredfold",
    "others_idle": "removing any other frequency does not double the loss",
    "held_is_early": "held at its initial norm a network groks before any under weight decay",
    "norm_falls_early": "the norm falls fastest before the answers come, in every seed",
    "norm_falls_again": (
        "relative to what is left it falls fastest within a tenth of the grokking step, in most"
    ),
    "small_norm_fails": (
        "held at the smallest share of its initial norm no network groks in its budget"
    ),
    "neurons_are_read": "neurons of one wave each write nearly all of the logits",
    "keys_are_circles": "in the plane of every key the numbers lie on a circle",
    "decay_sets_pace": "half the weight decay takes twice as long, to a fifth",
    "heat_is_enough": (
        "at the memorised norm most networks grok with a temperature, and none without"
    ),
    "sum_is_carried": (
        "the logits of the deep network are a function of the sum, and its waves carry it in most"
        " seeds"
    ),
    "one_wave_fails": "one key alone answers some pairs wrong",
    "fewer_when_held": "held at the initial norm a network uses fewer waves, in every seed",
}


def directions(tables: Tables, found: dict[str, dict], settings: dict) -> dict[str, dict]:
    """``sentence`` and ``holds`` by name; ``holds`` is None without the numbers.

    ``found``: ``numbers.numbers`` of the same tables and settings.
    """

    def v(name: str) -> Value:
        return value(found[name])

    def of(table: str, rows: str, column: str, statistic: str, last: tuple[str, ...] = ()) -> Value:
        return value(number(tables, table, rows, column, statistic=statistic, last=last))

    def with_noise(model: str, statistic: str) -> Value:
        rows = f"model == '{model}' and shift == 'noise'"
        return of("regression_generalisation", rows, "risk", statistic, ("value",))

    at_k_max = f"model == 'linear_L1' and k == {settings.get('k_max')}"
    ols = of("regression_risk", at_k_max, "ols", "only")
    of_adam = of("training_theory", "arm.str.startswith('Adam')", "measured_over_predicted", "mean")
    other_filters = f"{FILTER} and algorithm != '{FITTED_RIDGE}' and k == {settings.get('d')}"
    guessing = of("circuit", SOFTMAX, "uniform_loss", "max")
    one_wave = f"{SOFTMAX} and kind == 'frequencies' and n == 1"
    waves_moved = f"{DEEP} and exchanged == 'keys everywhere'"
    assigned = "entry in ['linear_L1', 'softmax_L1', 'deep_L6']"
    jumping = f"{SOFTMAX} and seed not in {_seeds_with_key(tables, 1)}"
    holds = {
        # Track A
        "is_one_step": v("correlation_gd") > 0.995,
        "follows_law": v("off_law") <= 0.01,
        "misses_ols": lower(found["linear_risk"]) > ols,
        "drop_on_time": _near(v("drop_measured"), v("drop_predicted"), 0.02),
        "is_smoother": _all(
            _near(v("bandwidth"), 1.0, 0.05), _near(v("softmax_optimum"), 1.0, 0.05)
        ),
        "not_gaussian": v("smoother_gaussian") <= 0.9,
        "deep_beats_gd": _all(
            lower(found["six_steps"]) > upper(found["deep_risk"]),
            _most(_risk_over_steps(tables) < 1),
        ),
        "deep_needs_examples": _most(_risk_over_steps(tables).head(1) > 1),
        "adam_is_rough": abs(of_adam - 1) > 0.1,
        "is_ridge": of("spectral_filter", other_filters, "distance", "min") > v("deep_filter"),
        "deep_is_brittle": with_noise("deep_L6", "min") > with_noise("linear_L1", "max"),
        "axis_fails": lower(found["axis_higher"]) > upper(found["subspace_higher"]),
        "skips_prevent_collapse": _all(
            v("collapse_skips") > 0.01, v("collapse_attention") <= 1e-13
        ),
        "collapse_is_avoided": v("collapse_trained") > 0.5,
        "grokking_takes_longer": v("fall_addition") > v("fall_regression"),
        "grokking_is_sharper": v("factor_addition") < v("factor_regression"),
        # Track B
        "delay_is_long": v("grokking_first") > 3 * v("memorised"),
        "all_right": of("grokking", assigned, "min_margin", "min") > 0.0,
        "phases_add": _all(v("phase_cosine") > 0.99, v("phase_null") <= 0.5),
        "no_jump": of("wrap_around", jumping, "follows_wrap - follows_wrap_random", "max") <= 0.1,
        "keys_suffice": of("circuit", SOFTMAX, "restricted_loss_all - full_loss_all", "max") <= 0.0,
        "guesses_without": of("circuit", SOFTMAX, "excluded_loss", "min") > guessing,
        # fixed factors: that the least key tops the largest other says too little
        "keys_needed": v("key_ablation") > 100.0,
        "others_idle": v("other_ablation") <= 2.0,
        "held_is_early": _all(
            v("grokking_first") > v("held_last"),
            value(count(tables, "norm_dose", HELD, "status != 'grokked'")) <= 0,
        ),
        "norm_falls_early": _all(
            lower(found["norm_peak"]) > upper(found["norm_final"]),
            of("grokking", SOFTMAX, "steepest_fall_step / transition_start_step", "max") < 1,
        ),
        "norm_falls_again": v("falls_again") > (found["falls_again"]["n"] or 0) / 2,
        "small_norm_fails": _all(v("held_last") > 0.0, v("grokked_small") <= 0.0),
        "neurons_are_read": v("neurons_read") > 0.95,
        "keys_are_circles": v("key_circles") > 0.95,
        "decay_sets_pace": _near(_delayed_by_half(tables), 2.0, 0.2),
        "heat_is_enough": _all(
            v("heated") > (found["heated"]["n"] or 0) / 2,
            v("sham") <= 0.0,
            v("grokked_fixed") <= 0.0,
        ),
        "sum_is_carried": _all(
            v("deep_of_sum") > 0.99,
            of("sum_exchange", waves_moved, "moved", "median") > 0.95,
            v("deep_rest") <= 0.05,
        ),
        "one_wave_fails": of("parsimony", one_wave, "min_margin", "max") <= 0.0,
        "fewer_when_held": _fewer_keys(tables, "softmax_L1_held", "softmax_L1"),
    }
    return {
        name: {"sentence": sentence, "holds": None if holds[name] is pd.NA else bool(holds[name])}
        for name, sentence in SENTENCES.items()
    }


def _seeds_with_key(tables: Tables, frequency: int) -> list[int]:
    """Seeds of the softmax network among whose key frequencies this one is."""
    rows = tables.get("circuit", pd.DataFrame(columns=["entry", "seed", "key_frequencies"]))
    keys = rows.query(SOFTMAX).set_index("seed")["key_frequencies"].dropna().astype(str)
    return [int(seed) for seed, own in keys.items() if str(frequency) in own.split()]


def _fewer_keys(tables: Tables, one: str, other: str) -> bool | NAType:
    """Whether ``one`` has fewer key frequencies than ``other`` has from the same start."""
    rows = tables.get("norm_dose", pd.DataFrame(columns=["entry", "seed", "status", "n_keys"]))
    rows = rows.query("entry in [@one, @other] and status != 'diverged'")
    keys = rows.pivot(index="seed", columns="entry", values="n_keys")
    pairs = keys.reindex(columns=[one, other]).dropna()
    return pd.NA if pairs.empty else bool((pairs[one] < pairs[other]).all())


def _grokked_under_decay(tables: Tables) -> pd.DataFrame:
    columns = ["model", "arm", "epsilon", "status", "seed", "weight_decay", "grokking_step"]
    rows = tables.get("norm_dose", pd.DataFrame(columns=columns))
    return rows.query(
        "model == 'softmax_L1' and arm in ['main', 'weight_decay'] and epsilon == 1e-8"
        " and status == 'grokked'"
    )


def _risk_over_steps(tables: Tables) -> pd.Series:
    """By k, the deep network's mean risk over that of as many tuned gradient steps."""
    columns = ["model", "status", "k", "risk", "gd_free_at_k"]
    rows = sound(tables.get("regression_risk", pd.DataFrame(columns=columns))).query(FILTER)
    means = rows.groupby("k")[["risk", "gd_free_at_k"]].mean()
    return means["risk"] / means["gd_free_at_k"]


def _most(held: pd.Series) -> bool | NAType:
    return pd.NA if held.empty else bool(held.mean() > 0.5)


def _delayed_by_half(tables: Tables) -> Value:
    """How many times later half the weight decay groks from the same start: the median."""
    rows = _grokked_under_decay(tables)
    steps = rows.pivot(index="seed", columns="weight_decay", values="grokking_step")
    factors = [steps[decay / 2] / steps[decay] for decay in steps if decay / 2 in steps]
    return float(pd.concat(factors).median()) if factors else pd.NA


def _near(one: Value, other: Value, share: float) -> bool | NAType:
    """Whether they differ by at most this share of the other."""
    return abs(one / other - 1) <= share


def _all(*held) -> bool | NAType:
    """Whether all hold; ``pd.NA`` where one is."""
    return pd.NA if any(own is pd.NA for own in held) else all(held)
