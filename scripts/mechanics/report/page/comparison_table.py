"""The comparative table as it stands in the page: CSV's frame in, groups of rows out."""

import math
from dataclasses import dataclass
from itertools import groupby

import pandas as pd


@dataclass(frozen=True)
class Line:
    """One metric of a network on a task, as text.

    ``interpretation`` stands beside this and the next ``n_lines`` − 1 lines; of those it is empty.
    """

    metric: str
    value: str
    interval: str
    n_seeds: int
    references: list[tuple[str, str]]
    flops_per_prompt: str
    interpretation: str
    n_lines: int


@dataclass(frozen=True)
class Group:
    """One network on one task."""

    configuration: str
    model: str
    task: str
    lines: list[Line]
    train_flops: str


def number(value: float) -> str:
    """Four significant digits; whole thousands with separators; a dash for nan."""
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def grouped(table: pd.DataFrame) -> list[Group]:
    """The rows of ``tables/comparative_metrics.csv``, its references side by side."""
    keys = ["configuration", "model", "task"]
    return [
        Group(
            *key,
            lines=_lines(own),
            train_flops="–" if math.isnan(spent) else f"{spent:.2g}",
        )
        for key, own in table.groupby(keys, sort=False)
        for spent in [own["train_flops"].iloc[0]]
    ]


def _lines(own: pd.DataFrame) -> list[Line]:
    """One for each metric; an interpretation that several share stands beside the first."""
    parts = [(metric, part) for metric, part in own.groupby("metric", sort=False)]
    lines = []
    for words, same in groupby(parts, key=lambda named: named[1]["interpretation"].iloc[0]):
        for place, (metric, part) in enumerate(shared := list(same)):
            beside = ("", 0) if place else (words, len(shared))
            lines.append(_line(metric, part, *beside))
    return lines


def _line(metric: str, part: pd.DataFrame, interpretation: str, n_lines: int) -> Line:
    row = part.iloc[0]
    known = not math.isnan(row["ci_low"])
    return Line(
        metric=metric,
        value=number(row["value"]) if row["n_seeds"] else "no seed",
        interval=f"{number(row['ci_low'])} – {number(row['ci_high'])}" if known else "",
        n_seeds=int(row["n_seeds"]),
        references=[
            (own.reference, number(own.reference_value))
            for own in part.itertuples()
            if isinstance(own.reference, str)
        ],
        flops_per_prompt=f"{row['flops_per_prompt']:,.0f}",
        interpretation=interpretation,
        n_lines=n_lines,
    )
