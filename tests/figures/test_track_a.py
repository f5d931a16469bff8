"""What the figures of Track A show, and what their titles say, from frames that are known."""

import numpy as np
import pandas as pd
import pytest
from drawn import lines, title, words

from mechanics.figures import style
from mechanics.figures.attention_maps_regression import attention_maps_regression
from mechanics.figures.emergence import emergence
from mechanics.figures.one_layer import one_layer
from mechanics.figures.rank_collapse import rank_collapse
from mechanics.figures.regression_training import regression_training
from mechanics.figures.risk_by_context import risk_by_context
from mechanics.figures.training_theory import training_theory
from mechanics.figures.which_algorithm import which_algorithm

LINEAR = style.colour("linear_L1")
TWO = (("linear_L1", 1), ("deep_L6", 6))


def risks(models=TWO) -> pd.DataFrame:
    """Seed 1 has three times the risk of seed 0; seed 2 diverged."""
    rows = [
        {"model": model, "seed": seed, "status": status, "k": k, "n_layers": n_layers}
        | {"risk": risk, "risk_median": risk / 2, "ols": max(0.0, 1 - k / 10)}
        | {"c_hat": 0.6 if n_layers == 1 else np.nan, "one_step_mixture": 2 * risk / factor}
        | {"gd_free": 0.4, "gd_free_at_k": 0.3, "mixture_floor": 0.01}
        for model, n_layers in models
        for seed, status, factor in ((0, "finished", 1), (1, "finished", 3), (2, "diverged", 1e9))
        for k, risk in ((5, 0.5 * factor), (10, 0.2 * factor))
    ]
    return pd.DataFrame(rows)


def filters() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The filters of two networks and two algorithms at two lengths, and what is nearest."""
    curves = pd.DataFrame(
        {"model": model, "seed": 0, "status": "finished", "k": k, "algorithm": name}
        | {"bin": place, "eigenvalue": 1.0 + place, "filter": 0.1 * k * (place + 1)}
        for model, _ in TWO
        for k in (5, 10, 20)
        for name in ("network", "one-step GD")
        for place in (0, 1)
    )
    distances = pd.DataFrame(
        {"model": model, "k": k, "algorithm": name, "nearest": name == near}
        | {"distance": 0.02, "unexplained": 0.1}
        for model, near in (("linear_L1", "one-step GD"), ("deep_L6", "OLS"))
        for k in (5, 10, 20)
        for name in ("one-step GD", "OLS")
    )
    return curves, distances


def test_one_layer_stands_beside_its_law_and_the_deepest_beside_as_many_steps():
    arms = (("linear_L1_axis", 1), ("deep_L6_no_skip", 6))
    left, right = one_layer(risks((*TWO, *arms)), *filters()).axes
    assert words(left) == ["linear", "deep", "one step", "6 steps"]
    assert title(left) == "(a) linear / law: 0.50–1.50"
    assert lines(left, LINEAR)[0] == pytest.approx([1.0, 0.4])
    assert "linear: one-step GD" in words(right)
    assert "deep: OLS" in words(right)
    assert title(right).endswith("k = 10")
    assert lines(right, LINEAR)[-1] == [1.0, 2.0]
    alone, _ = one_layer(risks(TWO[:1]), *filters()).axes
    assert words(alone) == ["linear", "one step"]  # no law of depth


def test_a_panel_for_each_depth_says_what_the_best_network_has():
    figure = risk_by_context(risks((*TWO, ("linear_L1_axis", 1))))
    one, six = figure.axes
    assert title(one) == "L = 1; at k = 10 the best\nhas 1 × the risk of GD"  # median .4 over .4
    assert words(one) == ["linear, 1 layer", "1 GD step"]
    assert words(six) == ["deep, 6 layers", "6 GD steps"]
    assert [1.0, 0.4] in [pytest.approx(line) for line in lines(one, LINEAR)]
    assert "linear, 1 layer: 1" in figure.get_supxlabel()


def test_the_nearest_filter_and_the_nearest_predictions_are_named():
    rows = [("linear_L1", "one-step GD", 0.1), ("linear_L1", "OLS", 0.9)]
    rows += [("deep_L6", "one-step GD", 0.8), ("deep_L6", "OLS", 0.05)]
    match = pd.DataFrame(rows, columns=["model", "algorithm", "preds_diff"])
    match = match.assign(k=10, status="finished")
    linear, deep, matrix, _ = which_algorithm(*filters(), match).axes
    assert title(linear) == "linear, 1 layer:\none-step GD"
    assert title(deep) == "deep, 6 layers:\nOLS"
    assert words(deep) == ["off by 0.020,\nunexplained 10.0%"]
    numbers = {(*text.xy, text.get_text()) for text in matrix.texts}
    assert numbers == {(0, 0, ".10"), (1, 1, ".05")}


def test_training_has_medians_at_the_checkpoints_that_all_seeds_have():
    rows = [
        {"model": model, "seed": seed, "step": step, "correlation_gd": 0.5 + 0.1 * seed}
        | {"c_hat": 0.1 * step if model == "linear_L1" else np.nan}
        for model in ("linear_L1", "deep_L6")
        for seed in (0, 1, 2)
        for step in (0, 1, 5)
    ]
    extra = rows[0] | {"step": 3, "correlation_gd": -1.0}  # a checkpoint that one seed alone has
    weights = pd.DataFrame([*rows, extra]).assign(status="finished", c_star=0.6)
    nulls = {"correlation_ols": 0.4, "correlation_null": 0.8, "correlation_shuffled": 0.05}
    weights = weights.assign(**nulls)
    mine = weights[weights["model"] == "linear_L1"].assign(model="mine", c_hat=9.0)
    tables = weights.assign(k=10, risk=0.7), risks(), pd.concat([weights, mine])
    risk, *_, gd, _, size = regression_training(*tables).axes
    assert title(risk) == "k = 10"
    assert lines(gd, LINEAR) == [pytest.approx([0.6, 0.6])]
    assert lines(size, LINEAR) == [pytest.approx([0.1, 0.5])]
    assert title(gd).endswith("linear, 1 layer: 0.6000")
    assert title(size) == "step size 0.5000, law 0.6000"
    assert "null: w itself" in words(gd)


def test_theory_of_training_says_measured_over_predicted():
    arms = pd.DataFrame({"arm": ["balanced start", "saddle"], "predicted": [10.0, 0.9]})
    arms = arms.assign(k=50.0, seed=0, model="linear_L1", status="finished")
    arms["measured_over_predicted"] = [1.2, np.nan]
    curves = arms.merge(pd.DataFrame({"curve": ["measured", "measured"], "step": [1, 2]}), "cross")
    first, *_, saddle = training_theory(curves.assign(risk=0.5), arms).axes
    assert title(first) == "balanced start\n1.20 × predicted"
    assert title(saddle) == "saddle\npredicted at 0.90"


def test_every_seed_has_its_width_and_a_missing_transition_is_said():
    width = np.array([0.5, 0.7, 0.2, np.nan])
    transitions = pd.DataFrame({"transition_width": width, "transition_steps": 1000 * width})
    transitions["task"] = ["linear_regression"] * 2 + ["modular_addition"] * 2
    transitions = transitions.assign(model="linear_L1", seed=[0, 1, 0, 1], status="finished")
    transitions["share_of_training"] = width / 10
    curves = [transitions.assign(step=step, held_out_loss=step + 1.0) for step in (0, 1, 10)]
    axes = emergence(transitions, pd.concat(curves)).axes
    assert title(axes[0]) == "regression: the loss falls in 500 to 700 steps"
    drawn = [[line.get_xdata().tolist() for line in axis.lines] for axis in axes[-3:]]
    assert drawn[0] == [[0.5, 0.7], [0.2]]
    assert "1 of 2: none" in words(axes[-3])
    assert lines(axes[0], LINEAR) == [[2 / 11, 1.0], [2 / 11, 1.0]]


def collapse(share: float = 1.0) -> pd.DataFrame:
    """Ratio 10^(−layer · number of the variant), bound a hundred times that of attention alone."""
    rows = []
    for number, variant in enumerate(("whole", "no_skip", "no_mlp", "attention_only")):
        for seed, layer, trained in ((s, n, t) for s in (0, 1) for n in range(4) for t in (0, 1)):
            ratio, theorem = 10.0 ** (-layer * number), variant == "attention_only" and layer > 0
            row = {"model": "deep_L6", "seed": seed, "trained": bool(trained), "k": 8}
            row |= {"variant": variant, "layer": layer, "norm": "composite", "status": "finished"}
            row |= {"ratio": 2 * ratio, "ratio_median": ratio, "risk": 0.1 * number}
            row |= {"condition_share": share if theorem else np.nan}
            rows.append(row | {"bound": 100 * ratio if theorem and share else np.nan})
    return pd.DataFrame(rows)


def test_rank_collapse_says_what_is_left_and_draws_the_bound_where_it_holds():
    trained, untrained = rank_collapse(collapse()).axes
    layers = np.arange(4)
    assert lines(trained)[6] == pytest.approx(10.0 ** (-3 * layers))
    assert lines(trained, dashes="--") == [pytest.approx(100 * 10.0 ** (-3 * layers[1:]))] * 2
    assert title(trained).endswith("attention: 1e-09, whole: 1.00")
    assert "attention only\nrisk 0.3" in words(untrained)
    without, with_all = (
        collapse().assign(model=f"deep_L6_{arm}") for arm in ("no_skip", "subspace")
    )
    without.loc[without["variant"] == "no_skip", ["ratio", "ratio_median"]] = [2.0, 1.0]
    *_, third = rank_collapse(pd.concat([collapse(), without, with_all])).axes
    assert words(third) == ["no skip connections\nrisk 0"]
    assert lines(third) == [[1.0] * 4] * 2
    lost = collapse().assign(model="deep_L6_no_mlp", status="diverged")
    figure = rank_collapse(pd.concat([collapse(), lost]))
    assert len(figure.axes) == 2
    assert "no MLPs: 2" in figure.get_supxlabel()
    unmet = rank_collapse(collapse(share=0.0)).axes[0]
    assert not lines(unmet, dashes="--")
    assert "condition of the bound not met" in words(unmet)
    others = collapse().assign(norm="frobenius", ratio=1.0, ratio_median=1.0)
    both = rank_collapse(pd.concat([collapse(), others])).axes[0]
    assert lines(both) == lines(trained)  # the norm of the theorem alone


K, N_PROMPTS, D = 8, 4, 3
SIMILARITY = np.linspace(2.5, -2.5, K)
HEADS = [  # model, layer, head, and the correlation of its attention with similarity
    ("linear_L1", 0, 0, -0.9),
    ("softmax_L1", 0, 0, 0.8),
    ("deep_L6", 0, 0, 0.2),
    ("deep_L6", 0, 1, 0.3),
    ("deep_L6", 1, 0, -0.6),
]


def attention() -> list[pd.DataFrame]:
    """A linear head that reads by its negative, a softmax head, a deep network's three heads."""
    heads = pd.DataFrame(HEADS, columns=["model", "layer", "head", "correlation"])
    heads = heads.assign(seed=0, status="finished", k=K)
    heads["signed_correlation"] = heads["correlation"].abs().where(heads["model"] != "deep_L6")
    tokens = pd.DataFrame({"rank": range(K), "similarity": SIMILARITY})
    tokens = pd.DataFrame({"prompt": range(N_PROMPTS)}).merge(tokens, "cross")
    examples = heads.merge(tokens, "cross")
    s, model = examples["similarity"], examples["model"]
    of_softmax = np.where(model == "softmax_L1", np.exp(0.5 * s) / 99, np.exp(s))
    weight = np.where(model == "linear_L1", -s, of_softmax)
    examples["weight"] = weight * (1 + examples["prompt"])
    tokens = examples.assign(query_token=examples["prompt"] + 1, key_token=examples["rank"])
    cells = [(*at, value) for at, value in np.ndenumerate(np.diag([-1.5] * D + [0]))]
    cells = pd.DataFrame(cells, columns=["row", "column", "value"])
    matrices = heads[heads["model"] != "deep_L6"].merge(cells, "cross")
    smoother = {"model": "softmax_L1", "seed": 0, "status": "finished", "head": [0, 0], "k": [5, 8]}
    smoother |= {"omega": 0.5, "omega_optimum": 0.4, "omega_unit": 0.3}
    smoother |= {"r_squared_exponential": 0.999, "r_squared_gaussian": 0.7}
    heads = heads.merge(pd.DataFrame({"trained": [True, False]}), "cross")
    return [heads, examples, tokens, matrices, pd.DataFrame(smoother)]


def test_attention_is_drawn_times_the_sign_of_its_value_path():
    axes = attention_maps_regression(*attention()).axes
    panels = [axis for axis in axes if axis.get_label() != "<colorbar>"]
    linear, softmax, deep, kernel = (panels[i : i + 3] for i in range(0, 12, 3))
    factors = np.arange(1, N_PROMPTS + 1)[:, None]
    shown = linear[1].images[0].get_array()
    assert np.allclose(shown, SIMILARITY * factors)  # positive where alike
    assert title(linear[2]) == "rank corr. 0.900 to 0.900"
    assert title(deep[0]) == "deep, 6 layers: layer 2, head 1"
    assert softmax[1].images[0].get_clim()[0] < 0
    assert title(kernel[0]) == "softmax, 1 layer: exp(ω̂ x$_i$·x), ω̂ = 0.50"
    dots, law = kernel[0].lines
    assert np.log(dots.get_ydata()) == pytest.approx(0.5 * dots.get_xdata())
    assert np.log(law.get_ydata()) == pytest.approx(0.5 * law.get_xdata())
    assert title(kernel[1]) == "bandwidth, best dashed: 1.25 to 1.25 of it"


def test_a_head_that_could_not_be_measured_is_not_drawn_and_the_kernel_is_that_of_the_first_head():
    heads, *others, smoother = attention()
    heads.loc[heads["model"] == "linear_L1", "correlation"] = np.nan
    known = pd.concat([heads, attention()[0].assign(seed=1)])  # of another seed it was
    smoother = pd.concat([smoother.assign(head=1, omega=9.0), smoother])
    figure = attention_maps_regression(known, *others, smoother)
    titles = [title(axis) for axis in figure.axes]
    assert titles[0] == "softmax, 1 layer"
    assert "softmax, 1 layer: exp(ω̂ x$_i$·x), ω̂ = 0.50" in titles
