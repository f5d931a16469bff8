"""The deep network: the sum in the stream."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import MaxNLocator

from mechanics.figures import style
from mechanics.figures.panels import each_seed, write

ALL_ARMS = True  # not the main configurations alone: controls have arms of their own
ARMS = ("main", "control")
POSITIONS = {"b": "-", "=": "--"}  # style of the lines
BARE = 0.1  # share below which a bar has no number


def sum_in_stream(stream: pd.DataFrame, exchange: pd.DataFrame) -> plt.Figure:
    """The tables of these names, of the deepest network of the main arm.

    Raises NothingToDraw if nothing was measured.
    """
    shown = style.drawable(stream[stream["arm"].isin(ARMS)]).dropna(subset="value")
    if shown.empty:
        raise style.NothingToDraw("nothing was measured of any stream")
    exchanged = style.drawable(exchange).dropna(subset="moved")
    depth = shown.groupby("entry", sort=False)["layer"].max()
    entry = depth.index[depth == depth.max()][0]
    own = shown[shown["entry"] == entry]
    others = exchanged[exchanged["entry"].isin(depth.index[depth < depth.max()])]
    at = exchanged[(exchanged["entry"] == entry) & exchanged["carrier"]]
    shade = style.colour(own["model"].iloc[0], shown["model"])
    figure, axes = plt.subplot_mosaic("ab;cc", figsize=(style.COLUMN, 2.9))
    _shares(axes["a"], own, at, shade)
    _exchange(axes["b"], at, others, shade)
    seed = own["seed"].min()
    _frequencies(axes["c"], own[own["seed"] == seed], at[at["seed"] == seed])
    axes["c"].set_title(
        f"what the sum is made of: {style.label(own['model'].iloc[0])}, seed {seed}"
    )
    for axis in axes.values():
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.letter_panels(axes.values())
    style.note_diverged(figure, stream)
    return figure


def _shares(axis: plt.Axes, own: pd.DataFrame, at: pd.DataFrame, shade: str) -> None:
    shares = own[own["quantity"] == "share_sum"].sort_values("layer")
    for row, (position, look) in enumerate(POSITIONS.items()):
        line = shares[shares["position"] == position]
        each_seed(axis, line, "layer", "value", look, color=shade, linewidth=0.9)
        dashes = "solid" if look == "-" else "dashed"
        write(axis, f"at {position} ({dashes})", (0.04, 0.9 - 0.1 * row), color=shade)
    places = at[["seed", "position", "layer"]].drop_duplicates().merge(shares)
    axis.plot(places["layer"], places["value"], "o", color=shade, mfc="white", ms=4)
    axis.set(ylim=(-0.03, 1.05), xlabel="after layer", ylabel="share of a + b in the stream")
    axis.set_title(f"up to {shares['value'].max():.0%} of it is the sum")


def _exchange(axis: plt.Axes, at: pd.DataFrame, others: pd.DataFrame, shade: str) -> None:
    """Lines of the deep network over those of one layer; where they end both positions at once."""
    for line, look in (
        (others, {"color": style.REFERENCE, "linewidth": 0.6, "alpha": 0.5}),
        (at, {"color": shade, "marker": "o", "ms": 2.5, "linewidth": 0.9}),
    ):
        keys = line[line["exchanged"] == "keys"].sort_values("n_frequencies")
        for _, own in keys.groupby(["entry", "seed"]):
            axis.plot(own["n_frequencies"], own["moved"], **look)
    last = at.loc[at["exchanged"] == "keys"].groupby("seed")["n_frequencies"].max()
    keys, rest = (at[at["exchanged"] == f"{name} everywhere"] for name in ("keys", "rest"))
    for both, marker, tint in ((keys, "D", shade), (rest, "x", style.REFERENCE)):
        axis.plot(both["seed"].map(last), both["moved"], marker, color=tint, mfc="none", ms=4)
    axis.set(ylim=(-0.05, 1.05), xlabel="key frequencies exchanged", ylabel="answers moved")
    if len(keys) and len(rest):
        axis.set_title(f"keys ≥ {keys['moved'].min():.0%}, rest ≤ {rest['moved'].max():.0%}")
    else:
        axis.set_title("exchanged between prompts")


def _frequencies(axis: plt.Axes, own: pd.DataFrame, at: pd.DataFrame) -> None:
    """Bars of the share of a + b, each cut into its frequencies."""
    keys = [int(k) for k in at.loc[at["exchanged"] == "one key", "frequencies"]]
    here = own[own["position"].isin(at["position"])]
    share = here[here["quantity"] == "share_sum"].set_index("layer")["value"]
    spectrum = here[here["quantity"] == "spectrum"]
    spectrum = spectrum.pivot(index="layer", columns="frequency", values="value")
    for layer, powers in spectrum.mul(share.reindex(spectrum.index), axis=0).iterrows():
        bottom = 0.0
        for k, shade in zip(keys, style.ordered(len(keys)), strict=True):
            height = float(powers[k])
            axis.bar(layer, height, 0.8, bottom, color=shade, alpha=0.55, edgecolor="white", lw=0.4)
            if height > BARE:
                middle = (layer, bottom + height / 2)
                write(axis, f"k = {k}", middle, on="data", ha="center", va="center", color="black")
            bottom += height
        axis.bar(layer, powers.sum() - bottom, 0.8, bottom, color="0.8")
    where = " ".join(at["position"].unique())
    ends = {"xlim": (-0.6, own["layer"].max() + 0.6), "ylim": (0, 1.05)}
    axis.set(ylabel=f"share, at {where}", xlabel="after layer", **ends)
