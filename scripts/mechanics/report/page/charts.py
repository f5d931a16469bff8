"""The explorers' charts as Vega-Lite specifications. Their data come later, by name, from the page.

``now`` holds the step that the slider points at; the other names are said at each chart. Widths
are those of the page's columns.
"""

import altair as alt
from matplotlib import colormaps
from matplotlib.colors import to_hex

from mechanics.figures.style import COLOURS, OTHERS

DARK, GREY, FAINT = "#1b1b1b", "#595959", "#9a9a9a"  # REFERENCE of the figures is the middle one
RISK_FLOOR = 1e-3  # below it the risk axis is linear, so that the zero of least squares is on it
HIGHEST_RISK = 4.0  # risks above it are drawn on it
LOWEST_LOSS = 1e-8  # nats, likewise
HEIGHT = 190

ACCURACIES = {
    "accuracy_train": ("training pairs", COLOURS["train"]),
    "accuracy_validation": ("validation pairs", COLOURS["validation"]),
}
LOSSES = {
    "loss_train": ("training", COLOURS["train"]),
    "loss_validation": ("validation", COLOURS["validation"]),
    "restricted": ("restricted", OTHERS[1]),
    "excluded": ("excluded", OTHERS[0]),
}
NORM = {"norm_squared": ("Σθ²", DARK)}
LAWS = {  # column of the table of risks: (words, dashes)
    "one_step_mixture": ("one step, best for all k", [1, 0]),
    "one_step_optimum": ("one step, best at this k (r*)", [6, 3]),
    "gd_free": ("as many free steps as layers", [2, 2]),
    "ols": ("least squares", [8, 2, 2, 2]),
}


def as_specification(chart: alt.LayerChart) -> dict:
    """A chart without the address of its schema, which nothing in the page may follow."""
    autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    padding = {"left": 2, "right": 8, "top": 4, "bottom": 2}
    styled = (
        chart.properties(width="container", autosize=autosize)
        .configure(font="system-ui, sans-serif", padding=padding)
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelColor=DARK,
            titleColor=DARK,
            gridColor="#ececec",
            domainColor=FAINT,
            tickColor=FAINT,
        )
        .configure_legend(
            orient="top",
            title=None,
            labelFontSize=12,
            labelColor=DARK,
            labelLimit=0,
            symbolStrokeWidth=3,
            offset=2,
            columns=2,
            columnPadding=14,
        )
    )
    specification = styled.to_dict()
    del specification["$schema"]
    return specification


def _parameters(**values: object) -> list[alt.Parameter]:
    """What the page's scripts set, with what holds until then."""
    return [alt.param(name, value=value) for name, value in values.items()]


def _steps() -> alt.X:
    """Training steps on a log axis that ends with ``last``; step 0 stands at its beginning."""
    scale = alt.Scale(type="log", domain=[1, {"expr": "last"}], clamp=True, nice=False)
    axis = alt.Axis(format="~s", grid=False, tickCount=5, labelOverlap=True)
    return alt.X("step:Q", scale=scale, title="training step", axis=axis)


def _cursor() -> alt.Chart:
    now = alt.Chart(alt.NamedData("now"))
    return now.mark_rule(color=DARK, strokeWidth=1.5, aria=False).encode(_steps())


def over_training(
    series: dict[str, tuple[str, str]], title: str, lowest: float = 0.0, kind: str = "linear"
) -> dict:
    """Lines over training steps, the cursor, and a dotted line where the network grokked.

    ``series``: column → (words, colour). Data: ``curves`` (step, series, value), ``marks`` (step);
    values from ``lowest`` to ``top``.
    """
    scale = alt.Scale(type=kind, domain=[lowest, {"expr": "top"}], nice=False, clamp=True)
    colours = alt.Scale(domain=list(series), range=[colour for _, colour in series.values()])
    words = {column: name for column, (name, _) in series.items()}
    legend = alt.Legend(labelExpr=f"({words})[datum.value]") if len(series) > 1 else None
    value = alt.Y("value:Q", scale=scale, title=title, axis=alt.Axis(tickCount=5))
    lines = (
        alt.Chart(alt.NamedData("curves"))
        .mark_line(strokeWidth=1.8, clip=True)
        .encode(
            _steps(), value, alt.Color("series:N", scale=colours, legend=legend, sort=list(series))
        )
    )
    marks = alt.Chart(alt.NamedData("marks"))
    grokked = marks.mark_rule(color=GREY, strokeDash=[2, 3], aria=False).encode(_steps())
    layers = alt.layer(lines, grokked, _cursor(), height=HEIGHT)
    return as_specification(layers.add_params(*_parameters(last=10, top=1)))


def spectrum() -> dict:
    """Share of every frequency at one step. Data: ``bars`` (frequency, share, key, place), with the
    colour of keys as ``colour``, the last frequency as ``last`` and the largest share as ``top``.
    """
    bars = alt.Chart(alt.NamedData("bars"))
    x = alt.X(
        "frequency:Q",
        title="frequency",
        scale=alt.Scale(domain=[0, {"expr": "last + 1"}], nice=False),
        axis=alt.Axis(grid=False, tickCount=6),
    )
    y = alt.Y(
        "share:Q",
        title="share",
        scale=alt.Scale(domain=[0, {"expr": "1.12 * top"}], nice=False),
        axis=alt.Axis(tickCount=4, format="~%"),
    )
    colour = alt.condition("datum.key", alt.value(alt.ExprRef("colour")), alt.value(FAINT))
    columns = bars.mark_rule(strokeWidth=3, aria=False, clip=True).encode(
        x, y, alt.Y2(datum=0), color=colour, tooltip=["frequency:Q", "share:Q"]
    )
    names = bars.transform_filter("datum.key").mark_text(dy=-7, fontSize=12, color=DARK)
    names = names.encode(x.copy(), y, text="frequency:Q")
    names.encoding.x.shorthand = "place:Q"
    layers = alt.layer(columns, names, height=HEIGHT)
    return as_specification(layers.add_params(*_parameters(last=1, top=1, colour=DARK)))


def circle() -> dict:
    """The numbers in one plane at one step, in a square.

    Data: ``points`` (number, x, y, turn: the angle's place on a perfect circle, in [0, 1)) and
    ``ring`` (x, y, order), the circle of the mean radius; ``reach`` bounds both axes.
    """
    domain = alt.Scale(domain=[{"expr": "-reach"}, {"expr": "reach"}], nice=False)
    x, y = (alt.X("x:Q", scale=domain, axis=None), alt.Y("y:Q", scale=domain, axis=None))
    hues = [to_hex(colormaps["twilight_shifted"](place / 24)) for place in range(25)]
    ring = alt.Chart(alt.NamedData("ring")).mark_line(
        color=GREY, strokeDash=[4, 3], strokeWidth=1, aria=False
    )
    points = alt.Chart(alt.NamedData("points")).mark_point(
        filled=True, size=46, opacity=1, stroke=GREY, strokeWidth=0.6, aria=False
    )
    hue = alt.Color("turn:Q", scale=alt.Scale(domain=[0, 1], range=hues), legend=None)
    plane = alt.layer(
        ring.encode(x, y, order="order:Q"),
        points.encode(x, y, hue, tooltip=["number:Q", "x:Q", "y:Q"]),
        height="container",
    ).add_params(*_parameters(reach=1))
    specification = as_specification(plane)
    specification["autosize"]["type"] = "fit"
    return specification


def risk_by_context() -> dict:
    """Risk against context length at one step.

    Data: ``risks`` (k, seed, risk), ``laws`` (law, k, risk), ``ends`` (k, risk); the network's
    colour is ``colour``, the lengths go from ``k_min`` to ``k_max``.
    """
    x = alt.X(
        "k:Q",
        title="context length k",
        scale=alt.Scale(domain=[{"expr": "k_min"}, {"expr": "k_max"}], nice=False, padding=8),
        axis=alt.Axis(grid=False, tickCount=6),
    )
    y = _risk()
    dashes = alt.Scale(domain=list(LAWS), range=[dash for _, dash in LAWS.values()])
    laws = alt.Chart(alt.NamedData("laws")).mark_line(color=GREY, strokeWidth=1.4)
    risks = alt.Chart(alt.NamedData("risks"))
    own = {"stroke": alt.ExprRef("colour")}
    seeds = risks.mark_line(**own, strokeWidth=1, opacity=0.35, aria=False)
    median = risks.mark_line(**own, strokeWidth=2.6)
    dots = risks.mark_point(filled=True, size=70, opacity=1, color=alt.ExprRef("colour"))
    ends = alt.Chart(alt.NamedData("ends")).mark_point(**own, size=60, strokeWidth=1.4)
    middle = y.copy()
    middle.aggregate = "median"
    layers = alt.layer(
        seeds.encode(x, y, detail="seed:N"),
        median.encode(x, middle),
        laws.encode(x, y, strokeDash=alt.StrokeDash("law:N", scale=dashes, legend=None)),
        ends.encode(x, y),
        dots.encode(x, middle),
        height=300,
    )
    parameters = {"colour": DARK, "k_min": 0, "k_max": 1}
    return as_specification(
        layers.add_params(*(alt.param(n, value=v) for n, v in parameters.items()))
    )


def risk_over_training() -> dict:
    """Median risk over training, a line for each of ``lengths``.

    Data: ``curves`` (step, k, seed, risk), and ``now``.
    """
    middle = _risk()
    middle.aggregate = "median"
    viridis = alt.SchemeParams(name="viridis", extent=[0, 0.85])  # yellow is too pale
    hue = alt.Scale(type="ordinal", domain={"expr": "lengths"}, scheme=viridis)
    colour = alt.Color("k:O", scale=hue, legend=None)
    lines = alt.Chart(alt.NamedData("curves")).mark_line(strokeWidth=1.8)
    layers = alt.layer(lines.encode(_steps(), middle, colour), _cursor(), height=300)
    return as_specification(layers.add_params(*_parameters(last=10, lengths=[1])))


def _risk() -> alt.Y:
    scale = alt.Scale(
        type="symlog", constant=RISK_FLOOR, domain=[0, HIGHEST_RISK], clamp=True, nice=False
    )
    ticks = alt.Axis(values=[0, 0.001, 0.01, 0.1, 1], format="~r")
    return alt.Y("risk:Q", scale=scale, title="risk, MSE / d", axis=ticks)


def specifications() -> dict[str, dict]:
    """All charts, by the name of the element that they are drawn in."""
    return {
        "accuracy": over_training(ACCURACIES, "accuracy"),
        "loss": over_training(LOSSES, "loss, nats", LOWEST_LOSS, "log"),
        "norm": over_training(NORM, "Σθ²"),
        "spectrum": spectrum(),
        "circle": circle(),
        "risk_by_context": risk_by_context(),
        "risk_over_training": risk_over_training(),
    }
