"""Every direction that the prose states, asserted.

The prose states it as it came out in the full study, and a sentence that states one stands in
``#when("name")[…]`` (in the README on a line with ``{name}``). Where it does not hold, as in a
study of minutes, the sentence falls away and the report says at its end that it does not hold.
"""

from functools import partial

from mechanics.report.cells import Tables, lower, number, upper
from mechanics.report.numbers import DEEP, SOFTMAX


def directions(tables: Tables, found: dict[str, dict], settings: dict) -> dict[str, dict]:
    """``sentence`` and ``holds`` by name; ``holds`` is None without the numbers.

    ``found``: ``numbers.numbers`` of the same tables and settings.
    """
    read = partial(number, tables)
    k_max = settings.get("k_max")
    ols = read("regression_risk", f"model == 'linear_L1' and k == {k_max}", "ols", statistic="only")
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
    embedded = read(
        *("embedding_ablation", f"{DEEP} and kind in ['keys_kept', 'random_removed']", "accuracy"),
        statistic="min",
    )
    varying = read(
        *("attention_addition", f"{DEEP} and layer < layer.max()", "std"), statistic="max"
    )
    width = partial(read, "emergence", column="transition_width")
    slowest = width("task == 'modular_addition'", statistic="max")
    fastest = width("task == 'linear_regression'", statistic="min")
    weak, usual = found["grokked_weak"]["value"], found["grokked"]["value"]
    early, late = found["fall_before"]["value"], found["relative_fall_before"]["value"]
    return {
        # Track A
        "is_one_step": _says(
            "the effective weights of a linear layer are those of a gradient step",
            _more(found["correlation_gd"], 0.995),
        ),
        "gd_beats_null": _says(
            "they are nearer to gradient descent than what knowing w alone would give",
            _clearly_more(found["correlation_gd"], found["correlation_null"]),
        ),
        "misses_ols": _says(
            "one step has more error than least squares", _clearly_more(found["linear_risk"], ols)
        ),
        "is_smoother": _says(
            "the exponential kernel explains a softmax layer",
            _more(found["smoother_exponential"], 0.99),
        ),
        "not_gaussian": _says(
            "it explains more than the Gaussian kernel",
            _more(found["smoother_exponential"], found["smoother_gaussian"]),
        ),
        "two_heads_help": _says(
            "two softmax heads have less risk than one",
            _clearly_more(found["softmax_risk"], found["two_heads_risk"]),
        ),
        "deep_beats_gd": _says(
            "the deep network has less risk than as many gradient steps as it has layers",
            _clearly_more(found["six_steps_at_k"], found["deep_risk"]),
        ),
        "deep_is_brittle": _says(
            "with noise the deep networks have more risk than every linear one",
            _more(found["noise_deep"], found["noise_linear"]),
        ),
        "axis_fails": _says(
            "in new dimensions fixed coordinates have more risk than random subspaces",
            _clearly_more(found["axis_higher"], found["subspace_higher"]),
        ),
        "skips_prevent_collapse": _says(  # the worst seed of the one, the best of the other
            "skip connections keep the tokens further apart than MLPs",
            _more(found["collapse_skips"], found["collapse_mlps"]),
        ),
        "grokking_takes_longer": _says(
            "the loss of a softmax network takes more steps to fall on addition, in every seed",
            _more(found["fall_steps_addition"], found["fall_steps_regression"]),
        ),
        "widths_overlap": _says(
            "in decades of steps some network falls as slowly on addition as another on regression",
            _more(slowest, fastest),
        ),
        "deep_groks_sharply": _says(
            "the deep network falls in fewer decades on addition than any network on regression",
            _more(fastest, found["fall_width_deep"]),
        ),
        # Track B
        "all_right": _says("every seed answers all pairs", _more(all_margins, 0.0)),
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
        "few_neurons": _says(
            "the first neurons recover more than as many at random",
            _more(found["half_recovered"], found["half_random"]),
        ),
        "norm_falls": _says(
            "the norm falls", _clearly_more(found["norm_peak"], found["norm_final"])
        ),
        "fall_depends": _says(
            "the norm and its logarithm fall most on different sides of the transition",
            None if early is None or late is None else early != late,
        ),
        "decay_decides": _says(
            "networks grok with the usual weight decay, and none with weak decay",
            None if weak is None or usual is None else weak == 0 < usual,
        ),
        "embedding_carries": _says(
            "the deep network answers all pairs with the keys of its embedding alone, or without"
            " as many others",
            None if embedded["absent"] else embedded["value"] == 1,
        ),
        "attention_is_uniform": _says(
            "the attention of the deep network is uniform before its last layer",
            _at_most(varying, 0.01),
        ),
        "one_wave_fails": _says("one key alone answers some pairs wrong", _at_most(one_wave, 0.0)),
    }


def _says(sentence: str, holds: bool | None) -> dict:
    return {"sentence": sentence, "holds": holds}


def _more(one: dict, other: dict | float) -> bool | None:
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


def _value(one: dict | float) -> float | None:
    return one["value"] if isinstance(one, dict) else one
