"""Attention maps.

Left: W_QK = W_Q W_Kᵀ on the tokens, or for the deep network the rank correlation of every head.
Middle: attention of eight test points to their contexts, ordered by similarity x_iᵀx_test.
Right: attention against similarity, and their rank correlation over all prompts, beside that of
the untrained network. The sign of a head is chance: a head that attends to the least similar
tokens subtracts their y. Signed by the value path, attention follows the match in every seed.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mechanics.figures.panels import in_seeds, models_of, rows_of_panels
from mechanics.figures.style import NothingToDraw, colour, drawable, label, note_diverged
from mechanics.tables.frames import sound
from mechanics.tables.statistics import mean_over_seeds

# Drawn as others are. Networks that a user adds are drawn.
LEFT_OUT = ("linear_L1_axis", "linear_L1_subspace", "linear_L2", "linear_L3", "linear_L6")
SIGNED, POSITIVE = "RdBu_r", "cividis"  # both safe for the colour-blind
N_BINS = 8


def attention_maps_regression(
    attention: pd.DataFrame, examples: pd.DataFrame, query_key: pd.DataFrame
) -> Figure:
    """A row for every head of the one-layer networks, and one for the best head of a deep one.

    ``attention``: attention_match; ``examples``: attention_examples. Examples and matrices are
    those of the first finished seed, and the best head has the largest |correlation| in it, at the
    example's k. Columns: W_QK on tokens (for a deep network the correlation of each of its heads);
    attention of one query in each example prompt; attention against x_iᵀx_test, with its mean in
    bins of as many tokens each.
    """
    attention = attention[~attention["model"].isin(LEFT_OUT)]
    finished = drawable(attention)
    measured = finished.dropna(subset="correlation")["model"].unique()
    shown, matrices = _one_seed(examples.dropna(subset="weight")), _one_seed(query_key)
    shown = shown[shown["model"].isin(measured)]
    models = models_of(shown)
    if not models:
        raise NothingToDraw("no attention of any network was measured")
    rows = [row for model in models for row in _heads_to_draw(finished, shown, model)]
    figure, axes = rows_of_panels(len(rows), 3, 1.72, width_ratios=[1, 1.45, 1.3])
    for example, (left, middle, right) in zip(rows, axes, strict=True):
        model = example["model"].iloc[0]
        correlations = _at(finished, example)
        matrix = _same_head(matrices[matrices["model"] == model], example)
        if len(matrix):
            _query_key_map(left, matrix)
        else:
            _correlation_map(left, correlations[correlations["trained"]], example)
        _example_map(middle, example)
        _scatter(right, example, colour(model, models_of(attention)))
        _write_correlation(right, correlations, example)
        left.set_title(_head_name(correlations, example, shown), loc="left")
    for axis, title in zip(axes[0, 1:], _column_titles(shown), strict=True):
        axis.set_title(title)
    note_diverged(figure, attention)
    return figure


def _one_seed(frame: pd.DataFrame) -> pd.DataFrame:
    """The first finished seed of each model: networks trained in several blocks come with more."""
    finished = sound(frame)
    return finished[finished["seed"] == finished.groupby("model")["seed"].transform("min")]


def _same_head(frame: pd.DataFrame, example: pd.DataFrame) -> pd.DataFrame:
    """The rows of the layer and head of an example."""
    layer, head = example["layer"].iloc[0], example["head"].iloc[0]
    return frame[(frame["layer"] == layer) & (frame["head"] == head)]


def _at(attention: pd.DataFrame, example: pd.DataFrame) -> pd.DataFrame:
    """All seeds, layers and heads of an example's model, trained or not, at its k."""
    model, k = example["model"].iloc[0], example["k"].iloc[0]
    return attention[(attention["model"] == model) & (attention["k"] == k)]


def _heads_to_draw(
    attention: pd.DataFrame, examples: pd.DataFrame, model: str
) -> list[pd.DataFrame]:
    """The examples of each head of one layer, or of the head that follows the match most."""
    own = examples[examples["model"] == model]
    if own["layer"].max() == 0:
        return [head for _, head in own.groupby("head")]
    measured = _at(attention, own)
    measured = measured[measured["trained"] & (measured["seed"] == own["seed"].iloc[0])]
    best = measured.loc[measured["correlation"].abs().idxmax()]
    return [own[(own["layer"] == best["layer"]) & (own["head"] == best["head"])]]


def _head_name(correlations: pd.DataFrame, example: pd.DataFrame, examples: pd.DataFrame) -> str:
    """Model and head in words, and with what sign a head of one layer adds the y that it reads."""
    model = example["model"].iloc[0]
    layer, head = (int(example[name].iloc[0]) for name in ("layer", "head"))
    heads = examples[examples["model"] == model]
    if heads["layer"].max() > 0:
        return f"{label(model)}: layer {layer + 1}, head {head + 1}"
    name = label(model) if heads["head"].nunique() == 1 else f"{label(model)}: head {head + 1}"
    own = _trained(correlations, example)
    sign = np.sign(own["correlation"] * own["signed_correlation"])
    return name if np.isnan(sign) else f"{name}, adds ${'+' if sign > 0 else '-'}y_i$"


def _trained(correlations: pd.DataFrame, example: pd.DataFrame) -> pd.Series:
    """What was measured on the trained head and the seed of an example."""
    own = _same_head(correlations[correlations["trained"]], example)
    return own[own["seed"] == example["seed"].iloc[0]].iloc[0]


def _column_titles(examples: pd.DataFrame) -> tuple[str, str]:
    lengths = "/".join(str(k) for k in sorted(examples["k"].unique()))
    return (
        f"attention in {examples['prompt'].nunique()} prompts, k = {lengths}",
        r"rank correlation $\rho$",
    )


def _query_key_map(axis: Axes, matrix: pd.DataFrame) -> None:
    values = matrix.pivot(index="row", columns="column", values="value").to_numpy()
    bound = np.abs(values).max()
    image = axis.imshow(values, cmap=SIGNED, vmin=-bound, vmax=bound)
    d = len(values) - 1
    places = sorted({0, d - 1, d})
    names = [f"$x_{{{place + 1}}}$" if place < d else "$y$" for place in places]
    places, names = (places, names) if d < 3 else ([0, d - 1.4, d], names)  # apart enough to read
    axis.set_xticks(places, names)
    axis.set_yticks(places, [*names[:-1], "$y=0$"])  # of the query: its row has no effect
    axis.tick_params(length=0)
    axis.set_xlabel("key token", labelpad=1)
    axis.set_ylabel("query token")
    axis.figure.colorbar(image, ax=axis, label="$W_{QK}$", shrink=0.9)


def _correlation_map(axis: Axes, correlations: pd.DataFrame, example: pd.DataFrame) -> None:
    """Spearman's correlation of every layer and head in the example's seed; the drawn one boxed."""
    own = correlations[correlations["seed"] == example["seed"].iloc[0]]
    values = own.pivot(index="layer", columns="head", values="correlation")
    image = axis.imshow(values, cmap=SIGNED, vmin=-1, vmax=1, aspect="auto")
    axis.set_xticks(range(values.shape[1]), [str(n + 1) for n in values.columns])
    axis.set_yticks(range(values.shape[0]), [str(n + 1) for n in values.index])
    axis.tick_params(length=0)
    corner = example["head"].iloc[0] - 0.5, example["layer"].iloc[0] - 0.5
    axis.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="black", linewidth=1.5))
    axis.set_xlabel("head", labelpad=1)
    axis.set_ylabel("layer")
    axis.figure.colorbar(image, ax=axis, label="rank correlation", shrink=0.9)


def _example_map(axis: Axes, example: pd.DataFrame) -> None:
    weights = example.pivot(index="prompt", columns="rank", values="weight").to_numpy()
    if _is_signed(example):
        bound = np.abs(weights).max()
        shown = {"cmap": SIGNED, "vmin": -bound, "vmax": bound}
    else:
        shown = {"cmap": POSITIVE, "vmin": 0, "vmax": weights.max()}
    image = axis.imshow(weights, aspect="auto", interpolation="nearest", **shown)
    axis.set_xticks([])
    axis.set_yticks([0, len(weights) - 1], ["1", str(len(weights))])
    axis.tick_params(length=0)
    axis.set_xlabel("context, most to least similar")
    axis.set_ylabel("prompt", labelpad=-3)
    axis.figure.colorbar(image, ax=axis, label=_weight_name(example), shrink=0.9)


def _is_signed(example: pd.DataFrame) -> bool:
    """Linear scores have both signs, probabilities do not."""
    return bool((example["weight"] < 0).any())


def _weight_name(example: pd.DataFrame) -> str:
    return "attention, score / k" if _is_signed(example) else "attention"


def _scatter(axis: Axes, example: pd.DataFrame, line_colour: str) -> None:
    axis.plot(example["similarity"], example["weight"], ".", color="0.6", markersize=2.5, zorder=1)
    bins = pd.qcut(example["similarity"], min(N_BINS, len(example)), duplicates="drop")
    means = example.groupby(bins, observed=True)[["similarity", "weight"]].mean()
    axis.plot(means["similarity"], means["weight"], "o-", color=line_colour, markersize=3)
    axis.set_xlabel(r"similarity $x_i^\top x_\mathrm{test}$", labelpad=1)
    axis.set_ylabel(_weight_name(example))
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.5 * (high - low))  # room for the correlation


def _write_correlation(axis: Axes, correlations: pd.DataFrame, example: pd.DataFrame) -> None:
    """ρ of this head, then over seeds, of the trained networks and of the untrained.

    Seeds differ in the sign of a head and of its value path together: token networks are averaged
    as ρ times the sign of the value path. The heads of deep networks have no order that seeds
    share: of each the largest |ρ| is averaged.
    """
    own, seed = _trained(correlations, example)["correlation"], example["seed"].iloc[0]
    on_tokens = correlations["signed_correlation"].notna().any()
    lines = [rf"$\rho$ = {_signed(own)}, seed {seed}"]
    for trained in (True, False):
        part = correlations[correlations["trained"] == trained]
        if on_tokens:
            part = _same_head(part, example)
            values = part["signed_correlation"]
        else:
            values = part["correlation"].abs().groupby(part["seed"]).max()
        which = in_seeds(part) if trained else "untrained"
        name = r"signed $\rho$" if on_tokens else r"max $|\rho|$"
        lines.append(f"{name} = {_with_interval(values)}, {which}")
    axis.text(0.02, 0.99, "\n".join(lines), transform=axis.transAxes, va="top", fontsize=5.8)


def _with_interval(values: pd.Series) -> str:
    """Mean and, of several seeds, half of its 95 % interval."""
    estimate = mean_over_seeds(values)
    words, half = _signed(estimate.value), estimate.high - estimate.value
    return words if np.isnan(half) else f"{words} ± {half:.3f}"


def _signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
