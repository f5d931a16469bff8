"""Claims: every number and every comparison that the report uses, computed from tables.

A claim is declared (``workflow/report/claims.yaml``) by what it says and where it stands: table,
rows, column. It carries value, 95 % interval, n, unit and source. A claim about a network or a
track that the config leaves out is absent and says so; so is one whose cells are all empty, which
is what an analysis writes where a measure is not defined (a network without key frequencies). A
missing table, column or row is an error.

Forms of a declaration, one of these keys each:

``table``    a statistic of a column (or of a column ``over`` another) over the rows of ``where``
             that fulfil ``having``
``count``    how many rows of a table fulfil ``having`` [column, relation, number, other column or
             {claim: name}], the column divided by ``over`` first, of all that ``where`` chooses
``range``    at which values of the column ``along`` the rows of ``where`` clearly fulfil
             ``having``, after ``words``
``setting``  a value of the config
``compare``  [claim, relation, claim or number], with ``words`` for true and for false
"""

import math
import operator
from collections.abc import Callable

import pandas as pd

from mechanics.report.numbers import as_text
from mechanics.report.ranges import holding, spans
from mechanics.tables.frames import sound
from mechanics.tables.statistics import mean_over_seeds

ABSENT, UNDEFINED = "not in this study", "undefined"
RELATIONS: dict[str, Callable] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
STATISTICS = ("mean", "min", "max", "median", "only")
KINDS = ("table", "count", "range", "setting", "compare")
UNITS = ("entry", "model", "seed")  # columns that tell one network from another


class ClaimError(Exception):
    """A claim that the tables do not give, or that they contradict. The message names it."""


def evaluate(
    declared: dict[str, dict], tables: dict[str, pd.DataFrame], study: dict
) -> dict[str, dict]:
    """All claims by id, in the order declared, operands before what uses them.

    ``tables``: frames by name. ``study``: the slice of the config (``declared.study_slice``).
    Raises ClaimError for the first claim that cannot be made.
    """
    claims: dict[str, dict] = {}
    for name, declaration in declared.items():
        kinds = [kind for kind in KINDS if kind in declaration]
        if len(kinds) != 1:
            raise ClaimError(f"claim {name}: expected one of {', '.join(KINDS)}, found {kinds}")
        try:
            claims[name] = _FORMS[kinds[0]](declaration, tables, study, claims)
        except (ClaimError, KeyError) as error:
            reason = f"no {error.args[0]!r}" if isinstance(error, KeyError) else error
            raise ClaimError(f"claim {name}: {reason}") from error
    return claims


def _claim(text: str, value, source: dict, **more) -> dict:
    blank = {"ci_low": None, "ci_high": None, "n": None, "unit": "", "interval": None}
    blank |= {"absent": False}
    return blank | {"text": text, "value": value, "source": source} | more


def _absent(source: dict, text: str = ABSENT) -> dict:
    return _claim(text, None, source, absent=True)


def chosen(declaration: dict, name: str, tables: dict, study: dict) -> pd.DataFrame | None:
    """The rows that a declaration speaks of; None if the config leaves them out.

    ``where``: column → value, list of values, {setting: path in the config}, or ``last``, the
    largest value of each network and seed, among rows that fulfil ``having``.

    Raises ClaimError if the config has them and the table does not, unless the declaration says
    ``if_none: undefined``, of rows that there are only where a network has key frequencies.
    """
    where = declaration.get("where", {})
    entries = where.get("entry", where.get("model", []))
    entries = [entries] if isinstance(entries, str) else entries
    asked = study["seeds"].get(study["tasks"].get(name), {})
    if not asked or any(entry not in asked for entry in entries):
        return None
    where = {
        column: study["settings"][wanted["setting"]] if isinstance(wanted, dict) else wanted
        for column, wanted in where.items()
    }
    if name not in tables:
        raise ClaimError(f"table {name} was not made")
    rows = tables[name]
    if "table" in declaration and "having" in declaration:
        column, relation, value = declaration["having"]
        rows = rows[RELATIONS[relation](rows[column], value)]
    for column, wanted in where.items():
        if column not in rows:
            raise ClaimError(f"table {name} has no column {column}")
        if wanted == "last":
            rows = rows[rows[column] == rows.groupby(_units(rows))[column].transform("max")]
        else:
            rows = rows[rows[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    if rows.empty and declaration.get("if_none") != UNDEFINED:
        raise ClaimError(f"table {name} has no row with {where}")
    return rows


def _source(declaration: dict, name: str) -> dict:
    kept = ("where", "column", "over", "statistic", "along", "having")
    return {"table": name} | {key: declaration[key] for key in kept if key in declaration}


def _from_table(declaration: dict, tables: dict, study: dict, claims: dict) -> dict:
    name, column = declaration["table"], declaration["column"]
    source = _source(declaration, name)
    rows = chosen(declaration, name, tables, study)
    if rows is None:
        return _absent(source)
    over = declaration.get("over")
    for needed in (column, over):
        if needed and needed not in rows:
            raise ClaimError(f"table {name} has no column {needed}")
    kept = sound(rows) if "status" in rows else rows
    values = pd.to_numeric(kept[column])
    if over:
        values = values / kept[over]
    kept = kept.assign(**{column: values}).dropna(subset=[column])
    if kept.empty:
        return _absent(source, UNDEFINED)
    found = _statistic(kept, column, declaration.get("statistic", "mean"))
    form = declaration.get("format", ".3g")
    text = as_text(found["value"], form)
    interval = None
    if found["ci_low"] is not None:
        ends = [as_text(found[end], form) for end in ("ci_low", "ci_high")]
        interval = f"{ends[0]} to {ends[1]}, n = {found['n']}"
    if "seed" in rows and _replicas(kept) < _replicas(rows):
        text += f" (n = {_replicas(kept)} of {_replicas(rows)})"
    value = found.pop("value")
    unit = declaration.get("unit", "")
    return _claim(text, value, source, **found, interval=interval, unit=unit)


def _statistic(rows: pd.DataFrame, column: str, statistic: str) -> dict:
    """Value, interval and n. A mean is one over seeds, each with the mean of its own rows."""
    values = rows[column]
    alone = {"ci_low": None, "ci_high": None, "n": len(values)}
    if statistic == "mean":
        if "seed" in rows:
            values = rows.groupby(_units(rows))[column].mean()
        estimate = mean_over_seeds(values)
        ends = {"ci_low": _none(estimate.low), "ci_high": _none(estimate.high)}
        return {"value": estimate.value, "n": estimate.n} | ends
    if statistic == "only":
        if values.nunique() != 1:
            raise ClaimError(f"column {column}: {values.nunique()} values, not one")
        return {"value": float(values.iloc[0])} | alone
    if statistic not in STATISTICS:
        raise ClaimError(f"statistic {statistic}: expected one of {', '.join(STATISTICS)}")
    return {"value": float(getattr(values, statistic)())} | alone


def _replicas(rows: pd.DataFrame) -> int:
    return len(rows[_units(rows)].drop_duplicates())


def _units(rows: pd.DataFrame) -> list[str]:
    return [key for key in UNITS if key in rows]


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _count(declaration: dict, tables: dict, study: dict, claims: dict) -> dict:
    name = declaration["count"]
    source = _source(declaration, name)
    rows = chosen(declaration, name, tables, study)
    if rows is None:
        return _absent(source)
    if rows.empty:
        return _absent(source, UNDEFINED)
    column, relation, other = declaration["having"]
    left = rows[column] / rows[declaration["over"]] if "over" in declaration else rows[column]
    right = rows[other] if isinstance(other, str) and other in rows else other
    if isinstance(other, dict):
        right = claims[other["claim"]]["value"]
        if right is None:
            return _absent(source, UNDEFINED)
    fulfilled = int(RELATIONS[relation](left, right).sum())
    text = f"{fulfilled} of {len(rows)}"
    return _claim(text, fulfilled, source, n=len(rows), unit=declaration.get("unit", ""))


def _range(declaration: dict, tables: dict, study: dict, claims: dict) -> dict:
    name, along = declaration["range"], declaration["along"]
    source = _source(declaration, name)
    rows = chosen(declaration, name, tables, study)
    if rows is None:
        return _absent(source)
    column, relation, other = declaration["having"]
    kept = sound(rows) if "status" in rows else rows
    holds = holding(kept, along, column, RELATIONS[relation], other)
    text = " ".join([*declaration.get("words", []), spans(sorted(kept[along].unique()), holds)])
    return _claim(text, sum(holds), source, n=len(holds))


def _from_config(declaration: dict, tables: dict, study: dict, claims: dict) -> dict:
    path = declaration["setting"]
    source = {"config": path}
    if path not in study["settings"]:
        return _absent(source)
    value = study["settings"][path]
    return _claim(as_text(value, declaration.get("format", "")), value, source)


def _comparison(declaration: dict, tables: dict, study: dict, claims: dict) -> dict:
    left_name, relation, right_name = declaration["compare"]
    left = claims[left_name]
    right = claims[right_name] if isinstance(right_name, str) else {"value": right_name}
    source = {"compare": declaration["compare"]}
    if left["absent"] or right.get("absent"):
        return _absent(source)
    holds = bool(RELATIONS[relation](left["value"], right["value"]))
    if holds and declaration.get("clearly"):
        holds = _apart(left, right, relation)
    words = declaration["words"]
    if isinstance(words, str):
        words = [words]
    if not holds and len(words) == 1:
        raise ClaimError(
            f"it states “{words[0]}”, but {left_name} = {left['value']:g} {relation} "
            f"{right_name} = {right['value']:g} is false"
        )
    return _claim(words[0] if holds else words[1], holds, source)


def _apart(left: dict, right: dict, relation: str) -> bool:
    """Whether the 95 % intervals do not overlap; a value without an interval is its own."""
    lower, upper = (left, right) if relation in ("<", "<=") else (right, left)
    return _end(lower, "ci_high") < _end(upper, "ci_low")


def _end(claim: dict, end: str) -> float:
    return claim["value"] if claim.get(end) is None else claim[end]


_FORMS = {
    "table": _from_table,
    "count": _count,
    "range": _range,
    "setting": _from_config,
    "compare": _comparison,
}
