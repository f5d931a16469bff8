"""Attention maps, and softmax attention as a kernel smoother."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from mechanics.figures import style
from mechanics.figures.panels import level, limits, models_of, rows_of, without_arms, write
from mechanics.tables.frames import sound

# Drawn as others are. Networks that a user adds are drawn.
LEFT_OUT = ("softmax_L1_2heads", "linear_L2", "linear_L3", "linear_L6")
SIGNED = "RdBu_r"  # safe for the colour-blind
KERNELS = {"exponential": ("o-", "exponential"), "gaussian": ("s--", "Gaussian")}


def attention_maps_regression(
    attention: pd.DataFrame,
    examples: pd.DataFrame,
    attention_matrix: pd.DataFrame,
    query_key: pd.DataFrame,
    kernel: pd.DataFrame,
) -> plt.Figure:
    """Tables: attention_match, attention_examples, attention_matrix, query_key, kernel_smoother."""
    measured = without_arms(style.drawable(attention)).dropna(subset="correlation")
    known = sound(examples).dropna(subset="weight")
    known = known.merge(measured[["model", "seed", "k"]].drop_duplicates())
    # networks trained in several blocks come with an example of each
    known = known[known["seed"] == known.groupby("model")["seed"].transform("min")]
    shown = known[~known["model"].isin(LEFT_OUT)]
    shown = shown if len(shown) else known
    models = models_of(shown)
    if not models:
        raise style.NothingToDraw("no attention of any network was measured")
    smoother = without_arms(sound(kernel))
    n_rows = len(models) + (len(smoother) > 0)
    size = (style.PAGE, 1.6 * n_rows)
    figure, axes = plt.subplots(n_rows, 3, figsize=size, squeeze=False, width_ratios=[1, 1.3, 1.2])
    for model, (left, middle, right) in zip(models, axes, strict=False):
        seed, k = shown.loc[shown["model"] == model, ["seed", "k"]].iloc[0]
        trained = rows_of(measured, model=model, trained=True, k=k)
        heads = rows_of(trained, seed=seed)
        own = heads.loc[heads["correlation"].abs().idxmax()]  # it follows the match most
        example, tokens, matrix = (
            rows_of(frame, **own[["model", "seed", "layer", "head"]])
            for frame in (shown, attention_matrix, query_key)
        )
        # of the value path; that of a deep network's head has none that were known
        sign = -1.0 if own["correlation"] * own["signed_correlation"] < 0 else 1.0
        if len(matrix):
            _query_key_map(left, matrix)
        else:
            _correlation_map(left, heads, own)
        _token_map(middle, tokens.assign(weight=sign * tokens["weight"]))
        look = {"color": style.colour(model, models_of(attention)), "ms": 2.5, "alpha": 0.6}
        right.plot(example["similarity"], sign * example["weight"], ".", **look)
        level(right, 0, "-", linewidth=0.5, zorder=0)
        right.set(xlabel=r"similarity $x_i^\top x_\mathrm{test}$", ylabel="attention")
        head = f": layer {own['layer'] + 1}, head {own['head'] + 1}" if matrix.empty else ""
        left.set_title(style.label(model) + head, loc="left", fontsize=7)
        signed = "" if np.isnan(own["signed_correlation"]) else "× sign of the value path, "
        middle.set_title(f"{signed}k = {k}", fontsize=7)
        right.set_title(_correlation(trained, own), fontsize=7)
    if len(smoother):
        _kernel_row(axes[-1], smoother, known)
    style.note_diverged(figure, attention)
    return figure


def _correlation(trained: pd.DataFrame, own: pd.Series) -> str:
    """The range over seeds of the signed rank correlation; of a deep network, of its best head."""
    values, words = rows_of(trained, **own[["layer", "head"]])["signed_correlation"], "rank corr."
    if np.isnan(own["signed_correlation"]):
        values, words = trained["correlation"].abs().groupby(trained["seed"]).max(), "|rank corr.|"
    return f"{words} {values.min():.3f} to {values.max():.3f}"


def _signed_map(axis: plt.Axes, values, bound: float, words: str, **how) -> None:
    axis.tick_params(length=0)
    image = axis.imshow(values, cmap=SIGNED, vmin=-bound, vmax=bound, **how)
    axis.figure.colorbar(image, ax=axis, label=words, shrink=0.9)


def _query_key_map(axis: plt.Axes, matrix: pd.DataFrame) -> None:
    values = matrix.pivot(index="row", columns="column", values="value").to_numpy()
    _signed_map(axis, values, np.abs(values).max(), "$W_{QK}$")
    d = len(values) - 1
    places = sorted({0, d - 1, d})
    names = [f"$x_{{{place + 1}}}$" if place < d else "$y$" for place in places]
    places, names = (places, names) if d < 3 else ([0, d - 1.4, d], names)  # apart enough to read
    axis.set_xticks(places, names)
    axis.set_yticks(places, [*names[:-1], "$y=0$"])
    axis.set(xlabel="key token", ylabel="query token")


def _correlation_map(axis: plt.Axes, heads: pd.DataFrame, own: pd.Series) -> None:
    """Spearman's correlation of every layer and head in the example's seed; the drawn one boxed."""
    values = heads.pivot(index="layer", columns="head", values="correlation")
    _signed_map(axis, values, 1.0, "rank correlation", aspect="auto")
    axis.set_xticks(range(values.shape[1]), [str(n + 1) for n in values.columns])
    axis.set_yticks(range(values.shape[0]), [str(n + 1) for n in values.index])
    corner = own["head"] - 0.5, own["layer"] - 0.5
    axis.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="black", linewidth=1.5))
    axis.set(xlabel="head", ylabel="layer")


def _token_map(axis: plt.Axes, tokens: pd.DataFrame) -> None:
    weights = tokens.pivot(index="query_token", columns="key_token", values="weight").to_numpy()
    how = {"aspect": "auto", "interpolation": "nearest"}
    _signed_map(axis, weights, np.abs(weights).max(), "attention", **how)
    axis.set_xticks([])
    axis.set_yticks([len(weights) - 1], ["test"])
    axis.set(xlabel="context, most to least similar to test", ylabel="context")


def _kernel_row(axes: np.ndarray, smoother: pd.DataFrame, examples: pd.DataFrame) -> None:
    models = models_of(smoother)
    shades = {model: style.colour(model, models) for model in models}
    _kernel(axes[0], examples, smoother, shades[models[0]])
    _bandwidths(axes[1], smoother, shades)
    for kernel, (look, name) in KERNELS.items():
        drawn = rows_of(smoother, head=0).dropna(subset=f"r_squared_{kernel}")
        for (model, _), seed in drawn.groupby(["model", "seed"], sort=False):
            how = {"color": shades[model], "ms": 2.5, "lw": 0.8}
            axes[2].plot(seed["k"], seed[f"r_squared_{kernel}"], look, **how)
        if len(drawn):
            low, high = (drawn[f"r_squared_{kernel}"].agg(end) for end in ("min", "max"))
            place = 0.06 + 0.1 * (kernel == "exponential")
            write(axes[2], f"{name}: {low:.4f} to {high:.4f}", (0.04, place))
    axes[2].set_ylim(min(0, axes[2].get_ylim()[0]), 1.05)
    axes[2].set(xlabel="context length k", ylabel="R² of its predictions")
    axes[2].set_title("○ exponential, □ Gaussian", fontsize=7)


def _kernel(axis: plt.Axes, examples: pd.DataFrame, smoother: pd.DataFrame, shade: str) -> None:
    """Attention of the first head on a log axis, both relative to the mean of the prompt."""
    model = smoother["model"].iloc[0]
    own = rows_of(examples[examples["weight"] > 0], model=model, head=0, layer=0)
    if own.empty:
        axis.set_axis_off()
        return
    both = own.assign(logs=np.log(own["weight"]))[["similarity", "logs"]]
    x, y = (both - both.groupby(own["prompt"]).transform("mean")).to_numpy().T
    axis.plot(x, np.exp(y), ".", color=shade, ms=2.5, alpha=0.5)
    omega = rows_of(smoother, model=model, seed=own["seed"].iloc[0], head=0)["omega"].iloc[0]
    ends = np.array([x.min(), x.max()])
    axis.plot(ends, np.exp(omega * ends), "--", color="black", linewidth=0.8)
    axis.set(yscale="log", xlabel="similarity − its mean", ylabel="attention / its mean")
    axis.set_title(
        f"{style.label(model)}: exp(ω̂ x$_i$·x), ω̂ = {omega:.2f}".replace("-", "−"), fontsize=7
    )


def _bandwidths(axis: plt.Axes, frame: pd.DataFrame, shades: dict[str, str]) -> None:
    ratios = []
    for place, (model, shade) in enumerate(shades.items()):
        own = rows_of(frame, model=model).drop_duplicates(["seed", "head"])
        jitter = np.linspace(-0.25, 0.25, len(own)) if len(own) > 1 else np.zeros(1)
        for row, shift in zip(own.itertuples(), jitter, strict=True):
            face = shade if row.omega > 0 else "white"
            axis.plot(place + shift, abs(row.omega), "o", color=shade, mfc=face, ms=3.5)
        best = own["omega_optimum"].iloc[0]
        if np.isfinite(best):  # no law for more than two heads
            axis.hlines(best, place - 0.4, place + 0.4, style.REFERENCE, "--", linewidth=0.9)
            ratios += list(own["omega"].abs() / best)
    unit = frame["omega_unit"].iloc[0]
    level(axis, unit, ":", linewidth=0.9, zorder=0)
    write(axis, r"$1/\sqrt{d}$", (0.01, unit), (0, 2), on=("axes fraction", "data"))
    axis.set_xticks(
        range(len(shades)), [style.label(model).replace(", ", ",\n") for model in shades]
    )
    axis.set_xlim(-0.6, len(shades) - 0.4)
    limits(axis, 0, 1.15 * frame[["omega", "omega_optimum", "omega_unit"]].abs().max(axis=None))
    axis.set_ylabel(r"$|\hat\omega|$")
    found = f": {min(ratios):.2f} to {max(ratios):.2f} of it" if np.isfinite(ratios).any() else ""
    axis.set_title(f"bandwidth, best dashed{found}", fontsize=7)
