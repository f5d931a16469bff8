"""A number of the report from the cells of a table: its value, and where it stands.

A number is a dict: ``value``, ``ci_low``, ``ci_high`` (95 % interval of a mean over seeds), ``n``,
``unit``, ``table``, ``cell`` (the pandas query of its rows and the expression that was evaluated on
them), ``text`` and ``interval`` as they are printed, and ``absent``: whether this study has none.
A number that the study does not have is no error; an unknown column is (pandas names it).
"""

import math

import pandas as pd
from pandas.api.typing import NAType

from mechanics.report.text import as_text
from mechanics.tables.frames import sound
from mechanics.tables.statistics import mean_over_seeds

ABSENT, UNMEASURED = "not in this study", "not measured"
DIVERGED = f"{UNMEASURED}: every seed diverged"
Tables = dict[str, pd.DataFrame]
Value = int | float | NAType  # ``pd.NA``, which no comparison decides: there is none


def number(
    tables: Tables,
    table: str,
    rows: str,
    column: str,
    form: str = ".3g",
    statistic: str = "mean",
    last: tuple[str, ...] = (),
    unit: str = "",
) -> dict:
    """A statistic of a column over some rows of a table, without the seeds that diverged.

    ``rows``: a pandas query; ``last``: columns of which each network and seed keeps its largest
    value. ``column``: a column or an expression of columns, ``risk / law``. ``statistic``: mean
    (over seeds, each with the mean of its own rows), min, max, median, only (all are equal), or
    range (its value is the least, its text has both ends).

    Raises ValueError where ``only`` finds several values.
    """
    cell = f"{rows}{''.join(f', last {name}' for name in last)}: {statistic} of {column}"
    made = {"unit": unit, "table": table, "cell": cell}
    chosen = _rows(tables, table, rows, last)
    kept = sound(chosen) if "status" in chosen else chosen
    if kept.empty:
        return _absent(made, _missing(tables, table, chosen))
    kept = kept.assign(value=pd.to_numeric(kept.eval(column))).dropna(subset=["value"])
    if kept.empty:
        return _absent(made, UNMEASURED)
    values = kept["value"]
    if statistic == "mean":
        seeds = values.groupby([kept[key] for key in _network(kept)]).mean()
        mean = mean_over_seeds(seeds)
        made |= {"value": mean.value, "n": mean.n}
        if not math.isnan(mean.low):
            made |= {"ci_low": mean.low, "ci_high": mean.high}
            made["interval"] = (
                f"{as_text(mean.low, form)} to {as_text(mean.high, form)}, n = {mean.n}"
            )
    else:
        if statistic == "only" and values.nunique() != 1:
            raise ValueError(f"{table}, {made['cell']}: {values.nunique()} values, expected one")
        named = {"only": "min", "range": "min"}.get(statistic, statistic)
        made |= {"value": float(getattr(values, named)()), "n": len(values)}
    ends = [made["value"], *([values.max()] if statistic == "range" else [])]
    text = " to ".join(dict.fromkeys(as_text(float(end), form) for end in ends))
    if "seed" in chosen and _seeds(kept) < _seeds(chosen):
        text += f" (n = {_seeds(kept)} of {_seeds(chosen)})"
    return _number(text, **made)


def count(tables: Tables, table: str, rows: str, condition: str) -> dict:
    """How many of the rows fulfil a condition, a pandas query too: "4 of 5"."""
    made = {"table": table, "cell": f"{rows}: {condition}"}
    chosen = _rows(tables, table, rows)
    if chosen.empty:
        return _absent(made, _missing(tables, table, chosen))
    n = len(chosen.query(condition))
    return _number(f"{n} of {len(chosen)}", value=n, n=len(chosen), **made)


def setting(settings: dict, name: str, key: str, form: str = "") -> dict:
    """A value of the config, which ``report.stated`` names; ``key``: its place there."""
    made = {"table": "config", "cell": key}
    if name not in settings:
        return _absent(made, ABSENT)
    return _number(as_text(settings[name], form), value=settings[name], **made)


def value(found: dict) -> Value:
    return pd.NA if found["absent"] else found["value"]


def upper(found: dict) -> Value:
    """The upper end of a number's 95 % interval; of one without an interval its value."""
    return value(found) if found["ci_high"] is None else found["ci_high"]


def lower(found: dict) -> Value:
    return value(found) if found["ci_low"] is None else found["ci_low"]


def _rows(tables: Tables, table: str, rows: str, last: tuple[str, ...] = ()) -> pd.DataFrame:
    own = tables.get(table, pd.DataFrame())
    chosen = own if own.empty else own.query(rows)
    for column in last if len(chosen) else ():
        largest = chosen.groupby(_network(chosen))[column].transform("max")
        chosen = chosen[chosen[column] == largest]
    return chosen


def _missing(tables: Tables, table: str, chosen: pd.DataFrame) -> str:
    """Why there is no number: the rows are not in the study, are of no table, or all diverged."""
    if len(chosen):
        return DIVERGED
    return UNMEASURED if table in tables and tables[table].empty else ABSENT


def _network(rows: pd.DataFrame) -> list[str]:
    return [key for key in ("entry", "model", "seed") if key in rows]


def _seeds(rows: pd.DataFrame) -> int:
    return len(rows[_network(rows)].drop_duplicates())


def _number(text: str, **made) -> dict:
    blank = {"value": None, "ci_low": None, "ci_high": None, "n": None, "unit": ""}
    return blank | {"interval": None, "absent": False} | made | {"text": text}


def _absent(made: dict, text: str) -> dict:
    return _number(text, **made, absent=True)
