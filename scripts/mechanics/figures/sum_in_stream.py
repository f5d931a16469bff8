"""Where the sum is in the stream.

The sum in the stream of the networks with several layers, a row for each seed. Left: the share of
the stream's variance that depends on a + b alone, at b and at "=" after each layer; the circle is
where the last layer takes most of it from, the carrier. Middle: of which frequencies it consists
at the carrier's position, numbered if they are keys there. Right: how many answers move to another
sum if the carrier gets the key frequencies of its a + b, the strongest first; the cross is the
control, all that does not depend on a + b, the square all frequencies but the keys. Thin grey:
the same in networks of one layer, after it.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mechanics.figures.panels import label_ends, rows_of_panels, write
from mechanics.figures.style import (
    REFERENCE,
    NothingToDraw,
    colour,
    drawable,
    label,
    note_diverged,
    ordered,
)

ALL_ARMS = True  # not the main configurations alone: controls have arms of their own
ARMS = ("main", "control")
POSITIONS = {"b": "-", "=": "--"}  # style of the lines
REST = "0.8"
BARE = 0.04  # share below which a bar has no number


def sum_in_stream(stream: pd.DataFrame, exchange: pd.DataFrame) -> Figure:
    """The tables of these names; networks of one layer have rows if there is none deeper.

    Raises NothingToDraw if nothing was measured.
    """
    shown = drawable(stream[stream["arm"].isin(ARMS)]).dropna(subset="value")
    if shown.empty:
        raise NothingToDraw("nothing was measured of any stream")
    exchanged = drawable(exchange).dropna(subset="moved")
    depth = shown.groupby("entry")["layer"].max()
    deep = list(depth.index[depth > 1]) or list(depth.index)
    shallow = exchanged[exchanged["entry"].isin(set(depth.index) - set(deep))]
    keys = ["entry", "model", "seed"]
    networks = list(shown[shown["entry"].isin(deep)].groupby(keys, sort=False))
    figure, axes = rows_of_panels(len(networks), 3, 1.7, 0.3, width_ratios=[1, 1.2, 1])
    for row, ((entry, model, seed), own) in zip(axes, networks, strict=True):
        shade = colour(model, shown["model"])
        of_network = exchanged[(exchanged["entry"] == entry) & (exchanged["seed"] == seed)]
        at = of_network[of_network["carrier"]]
        _shares(row[0], own, at, shade)
        _frequencies(row[1], own, at)
        _exchange(row[2], at, shallow, shade)
        row[0].set_title(f"{label(model)}, seed {seed}", loc="left")
    for axis, words in zip(axes[-1], ("after layer", "after layer", "keys exchanged"), strict=True):
        axis.set_xlabel(words)
    note_diverged(figure, stream)
    return figure


def _shares(axis: Axes, own: pd.DataFrame, at: pd.DataFrame, shade: str) -> None:
    shares, ends = own[own["quantity"] == "share_sum"], {}
    for position, style in POSITIONS.items():
        line = shares[shares["position"] == position].sort_values("layer")
        axis.plot(line["layer"], line["value"], style, color=shade)
        if len(line):
            ends[f"at {position}"] = float(line["value"].iloc[-1]), shade
    carrier = at[["position", "layer"]].drop_duplicates().merge(shares, on=["position", "layer"])
    axis.plot(carrier["layer"], carrier["value"], "o", color=shade, mfc="white", ms=5)
    axis.set_ylim(-0.03, 1.05)
    axis.set_ylabel("share of a + b")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_ends(axis, ends)


def _frequencies(axis: Axes, own: pd.DataFrame, at: pd.DataFrame) -> None:
    """Bars of the share of a + b, each cut into its frequencies."""
    keys = [int(k) for k in at.loc[at["exchanged"] == "one key", "frequencies"]]
    here = own[own["position"].isin(at["position"])]
    share = here[here["quantity"] == "share_sum"].set_index("layer")["value"]
    spectrum = here[here["quantity"] == "spectrum"].pivot(
        index="layer", columns="frequency", values="value"
    )
    for layer, powers in spectrum.mul(share.reindex(spectrum.index), axis=0).iterrows():
        bottom = 0.0
        for k, shade in zip(keys, ordered(len(keys)), strict=True):
            height = float(powers[k])
            axis.bar(layer, height, 0.8, bottom, color=shade, alpha=0.55, edgecolor="white", lw=0.4)
            if height > BARE:
                at_middle = {"on": "data", "size": 5.5, "ha": "center", "va": "center"}
                write(axis, str(k), (layer, bottom + height / 2), color="black", **at_middle)
            bottom += height
        axis.bar(layer, powers.sum() - bottom, 0.8, bottom, color=REST)
    axis.set_ylim(0, 1.05)
    axis.set_ylabel(f"of it, at {' '.join(at['position'].unique())}")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _exchange(axis: Axes, at: pd.DataFrame, shallow: pd.DataFrame, shade: str) -> None:
    keys = at[at["exchanged"] == "keys"].sort_values("n_frequencies")
    others = shallow[(shallow["exchanged"] == "keys") & (shallow["arm"].isin(ARMS))]
    for _, line in others.sort_values("n_frequencies").groupby(["entry", "seed"]):
        axis.plot(line["n_frequencies"], line["moved"], color=REFERENCE, lw=0.6, alpha=0.5)
    axis.plot(keys["n_frequencies"], keys["moved"], "o-", color=shade, ms=3.5)
    last = keys["n_frequencies"].max()
    for name, marker in (("rest", "x"), ("others", "s")):
        control = at[at["exchanged"] == name]
        axis.plot([last] * len(control), control["moved"], marker, color=REFERENCE, mfc="none")
    axis.set_ylim(-0.05, 1.05)
    axis.set_ylabel("answers moved")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
