"""The comparative table as it stands in the page: CSV's frame in, groups of rows out."""

import math
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Line:
    """One metric of a network on a task, as text."""

    metric: str
    value: str
    interval: str
    n_seeds: int
    references: list[tuple[str, str]]
    flops_per_prompt: str


@dataclass(frozen=True)
class Group:
    """One network on one task."""

    configuration: str
    model: str
    task: str
    lines: list[Line]
    train_flops: str
    interpretation: str


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
            lines=[_line(metric, part) for metric, part in own.groupby("metric", sort=False)],
            train_flops=f"{own['train_flops'].iloc[0]:.2g}",
            interpretation=own["interpretation"].iloc[0],
        )
        for key, own in table.groupby(keys, sort=False)
    ]


def _line(metric: str, part: pd.DataFrame) -> Line:
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
    )
