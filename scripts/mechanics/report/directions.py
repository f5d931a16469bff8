"""Every direction that the prose states, asserted.

The prose states it as it came out in the full study, and a sentence that states one stands in
``#when("name")[…]`` (in the README on a line with ``{name}``). Where it does not hold, as in a
study of minutes, the sentence falls away and the report says at its end that it does not hold.
"""

from functools import partial

import pandas as pd

from mechanics.report.cells import Tables, lower, number, upper
from mechanics.report.numbers import FILTER, FITTED_RIDGE, SOFTMAX


def directions(tables: Tables, found: dict[str, dict], settings: dict) -> dict[str, dict]:
    """``sentence`` and ``holds`` by name; ``holds`` is None without the numbers.

    ``found``: ``numbers.numbers`` of the same tables and settings.
    """
    read = partial(number, tables)
    k_max, d = settings.get("k_max"), settings.get("d")
    ols = read("regression_risk", f"model == 'linear_L1' and k == {k_max}", "ols", statistic="only")
    noisy = partial(read, "regression_generalisation", column="risk", last=("value",))
    others = read(
        *("spectral_filter", f"{FILTER} and algorithm != '{FITTED_RIDGE}' and k == {d}"),
        *("distance", ".3f", "min"),
    )
    whole = read("circuit", SOFTMAX, "restricted_loss_all - full_loss_all", statistic="max")
    excluded = read("circuit", SOFTMAX, "excluded_loss", statistic="min")
    guessing = read("circuit", SOFTMAX, "uniform_loss", statistic="max")
    one_wave = read(
        *("parsimony", f"{SOFTMAX} and kind == 'frequencies' and n == 1", "min_margin"),
        statistic="max",
    )
    all_margins = read(
        *("grokking", "entry in ['linear_L1', 'softmax_L1', 'deep_L6']", "min_margin"),
        statistic="min",
    )
    turning_once = _seeds_with_key(tables, 1)
    follows = read(
        *("wrap_around", f"{SOFTMAX} and seed not in {turning_once}"),
        *("follows_wrap - follows_wrap_random",),
        statistic="max",
    )
    width = partial(read, "emergence", column="transition_width")
    slowest = width("task == 'modular_addition'", statistic="max")
    fastest = width("task == 'linear_regression'", statistic="min")
    return {
        # Track A
        "is_one_step": _says(
            "the effective weights of a linear layer are those of a gradient step",
            _more(found["correlation_gd"], 0.995),
        ),
        "follows_law": _says(
            "the exact risk of a linear layer is within a percent of its step's",
            _at_most(found["off_law"], 0.01),
        ),
        "misses_ols": _says(
            "one step has more error than least squares", _clearly_more(found["linear_risk"], ols)
        ),
        "drop_on_time": _says(
            "the risk drops within a fiftieth of the step that theory predicts",
            _near(found["drop_measured"], found["drop_predicted"], 0.02),
        ),
        "is_smoother": _says(
            "a softmax layer has the kernel and the risk of the best smoother, to a twentieth",
            _all(_near(found["bandwidth"], 1.0, 0.05), _near(found["softmax_optimum"], 1.0, 0.05)),
        ),
        "not_gaussian": _says(
            "the Gaussian kernel explains less than nine tenths of its predictions",
            _at_most(found["smoother_gaussian"], 0.9),
        ),
        "deep_beats_gd": _says(
            "the deep network has less risk than as many gradient steps as it has layers",
            _clearly_more(found["six_steps"], found["deep_risk"]),
        ),
        "is_ridge": _says(
            "at k = d the filter of a fitted ridge regression is nearest to the deep network's",
            _more(others, found["deep_filter"]),
        ),
        "deep_is_brittle": _says(
            "with noise every deep network has more risk than every linear one",
            _more(
                noisy("model == 'deep_L6' and shift == 'noise'", statistic="min"),
                noisy("model == 'linear_L1' and shift == 'noise'", statistic="max"),
            ),
        ),
        "axis_fails": _says(
            "in new dimensions fixed coordinates have more risk than random subspaces",
            _clearly_more(found["axis_higher"], found["subspace_higher"]),
        ),
        "skips_prevent_collapse": _says(
            "skip connections keep the tokens apart, attention alone does not",
            _more(found["collapse_skips"], found["collapse_attention"]),
        ),
        "grokking_takes_longer": _says(
            "the loss of a softmax network takes more steps to fall on addition, in every seed",
            _more(found["fall_addition"], found["fall_regression"]),
        ),
        "widths_overlap": _says(
            "in decades of steps some network falls as slowly on addition as another on regression",
            _more(slowest, fastest),
        ),
        # Track B
        "all_right": _says("every seed answers all pairs", _more(all_margins, 0.0)),
        "phases_add": _says(
            "the phases of a neuron add up in every circle",
            _all(_more(found["phase_cosine"], 0.99), _at_most(found["phase_null"], 0.5)),
        ),
        "no_jump": _says(
            "without the wave that turns once no neuron follows the wrap round p by a tenth more"
            " than shuffled ones do",
            _at_most(follows, 0.1),
        ),
        "keys_suffice": _says(
            "with the key frequencies alone the loss is at most the whole network's",
            _at_most(whole, 0.0),
        ),
        "guesses_without": _says(
            "without them the network is worse than guessing", _more(excluded, guessing)
        ),
        # fixed factors: that the least key tops the largest other says too little
        "keys_needed": _says(
            "removing any key multiplies the loss a hundredfold",
            _more(found["key_ablation"], 100.0),
        ),
        "others_idle": _says(
            "removing any other frequency does not double the loss",
            _at_most(found["other_ablation"], 2.0),
        ),
        "held_is_early": _says(
            "held at its initial norm a network groks before any under weight decay",
            _more(found["grokking_first"], found["held_last"]),
        ),
        "norm_falls": _says(
            "the norm falls", _clearly_more(found["norm_peak"], found["norm_final"])
        ),
        "decay_sets_pace": _says(
            "half the weight decay takes twice as long, to a fifth",
            _near(_delayed_by_half(tables), 2.0, 0.2),
        ),
        "heat_is_enough": _says(
            "at the memorised norm most networks grok with a temperature, and none without",
            _all(
                _more(_share(found["heated"]), 0.5),
                _at_most(found["sham"], 0.0),
                _at_most(found["grokked_fixed"], 0.0),
            ),
        ),
        "sum_is_carried": _says(
            "the logits of the deep network are a function of the sum, and its waves carry it",
            _all(
                _more(found["deep_of_sum"], 0.99),
                _more(found["deep_moved"], 0.95),
                _at_most(found["deep_rest"], 0.05),
            ),
        ),
        "one_wave_fails": _says("one key alone answers some pairs wrong", _at_most(one_wave, 0.0)),
        "fewer_when_held": _says(
            "held at the initial norm a network uses fewer waves, in every seed",
            _fewer_keys(tables, "softmax_L1_held", "softmax_L1"),
        ),
    }


def _seeds_with_key(tables: Tables, frequency: int) -> list[int]:
    """Seeds of the softmax network among whose key frequencies this one is."""
    rows = tables.get("circuit", pd.DataFrame(columns=["entry", "seed", "key_frequencies"]))
    keys = rows.query(SOFTMAX).set_index("seed")["key_frequencies"].dropna().astype(str)
    return [int(seed) for seed, own in keys.items() if str(frequency) in own.split()]


def _fewer_keys(tables: Tables, one: str, other: str) -> bool | None:
    """Whether ``one`` has fewer key frequencies than ``other`` has from the same start."""
    rows = tables.get("norm_dose", pd.DataFrame(columns=["entry", "seed", "status", "n_keys"]))
    rows = rows.query("entry in [@one, @other] and status != 'diverged'")
    keys = rows.pivot(index="seed", columns="entry", values="n_keys")
    pairs = keys.reindex(columns=[one, other]).dropna()
    return None if pairs.empty else bool((pairs[one] < pairs[other]).all())


def _delayed_by_half(tables: Tables) -> float | None:
    """How many times later half the weight decay groks from the same start: the median."""
    columns = ["model", "arm", "epsilon", "status", "seed", "weight_decay", "grokking_step"]
    rows = tables.get("norm_dose", pd.DataFrame(columns=columns)).query(
        "model == 'softmax_L1' and arm in ['main', 'weight_decay'] and epsilon == 1e-8"
        " and status == 'grokked'"
    )
    steps = rows.pivot(index="seed", columns="weight_decay", values="grokking_step")
    factors = [steps[decay / 2] / steps[decay] for decay in steps if decay / 2 in steps]
    return float(pd.concat(factors).median()) if factors else None


def _says(sentence: str, holds: bool | None) -> dict:
    return {"sentence": sentence, "holds": holds}


def _more(one: dict | float, other: dict | float) -> bool | None:
    left, right = _value(one), _value(other)
    return None if left is None or right is None else left > right


def _at_most(one: dict, other: dict | float) -> bool | None:
    more = _more(one, other)
    return None if more is None else not more


def _clearly_more(one: dict, other: dict) -> bool | None:
    """Whether their 95 % intervals do not overlap, either; a value without one is its own."""
    if one["absent"] or other["absent"]:
        return None
    return lower(one) > upper(other)


def _value(one: dict | float | None) -> int | float | None:
    return one["value"] if isinstance(one, dict) else one


def _near(one: dict | float | None, other: dict | float, share: float) -> bool | None:
    """Whether they differ by at most this share of the other."""
    left, right = _value(one), _value(other)
    return None if left is None or right is None else abs(left / right - 1) <= share


def _share(counted: dict) -> dict | float:
    """Of a number that counts, the share of all."""
    return counted if counted["absent"] else counted["value"] / counted["n"]


def _all(*held: bool | None) -> bool | None:
    return None if None in held else all(held)
