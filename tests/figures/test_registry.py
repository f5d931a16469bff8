"""Every figure of the registry is drawn, or says what is missing, whatever its tables hold."""

from importlib import import_module

import pandas as pd
import pytest
from published import published

from mechanics.figures import registry, style
from plot import shown

DRAWN = [
    *((task, name) for task, own in registry.FIGURES.items() for name in own),
    *(("modular_addition", name) for name in registry.OF_A_SWEEP),
]
MORE = ("softmax_L2", "my_net")  # networks that a user adds


def of(task: str, name: str) -> list[pd.DataFrame]:
    needed = registry.drawn_from(name)
    names = [f"{own} of {task}" if own == registry.HISTORY else own for own in needed]
    return [ends(published()[own]).reset_index(drop=True) for own in names]


def ends(table: pd.DataFrame) -> pd.DataFrame:
    """The first and the last network of a table: more take more time."""
    models = table["model"].unique()
    return table[table["model"].isin([models[0], models[-1]])]


def draw(name: str, tables: list[pd.DataFrame]) -> None:
    module = import_module(f"mechanics.figures.{name}")
    style.settle(getattr(module, name)(*shown(module, tables)))


def every(table: pd.DataFrame) -> pd.Series:
    return table["model"].notna()


def first(table: pd.DataFrame) -> pd.Series:
    return table["model"] == table["model"].iloc[0]


def unmeasured(table: pd.DataFrame, which) -> pd.DataFrame:
    """What was measured on these networks, all that is no whole number, is missing."""
    measured = [name for name in table.select_dtypes("float") if name != "weight_decay"]
    return table.assign(**table[measured].mask(which(table)))


def diverged(table: pd.DataFrame, which) -> pd.DataFrame:
    if "status" in table:
        table = table.assign(status=table["status"].mask(which(table), "diverged"))
    return unmeasured(table, which)


def named(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The first network of a table, by another name."""
    renamed = {key: name for key in ("model", "entry") if key in table}
    return table[first(table)].assign(**renamed)


CASES = {
    "no row": lambda table: table.iloc[:0],
    "every seed diverged": lambda table: diverged(table, every),
    "nothing measured": lambda table: unmeasured(table, every),
    "one network, of no known name": lambda table: named(table, "my_net"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("task", "name"), DRAWN)
def test_it_is_drawn_or_says_what_is_missing(task, name, case):
    try:
        draw(name, [CASES[case](table) for table in of(task, name)])
    except style.NothingToDraw as missing:
        assert str(missing)
    else:
        assert case not in ("no row", "every seed diverged")


@pytest.mark.parametrize(("task", "name"), DRAWN)
def test_networks_that_a_user_adds_are_drawn_though_another_one_diverged(task, name):
    tables = of(task, name)
    added = [pd.concat([named(table, name) for name in MORE]) for table in tables]
    lost = [diverged(table, first) for table in tables]
    draw(name, [pd.concat(both, ignore_index=True) for both in zip(lost, added, strict=True)])
