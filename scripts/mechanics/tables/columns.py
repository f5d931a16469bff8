"""What the tables and columns of a study mean: ``columns.toml``, in which each is declared once.

Imports neither torch nor pandas: the Snakefile reads this at every start.
"""

import tomllib
from collections import namedtuple
from pathlib import Path

VOCABULARY = Path(__file__).with_suffix(".toml")


# Its type (string, number, integer or boolean), unit ("" for none) and a sentence.
Column = namedtuple("Column", "type unit meaning")
_declared = tomllib.loads(VOCABULARY.read_text(encoding="utf-8"))
TABLES = {name: f"A row is {words}" for name, words in _declared["tables"].items()}
COLUMNS = {name: Column(*declared) for name, declared in _declared["columns"].items()}


def column(name: str) -> Column:
    """Raises KeyError for a column that is not declared."""
    if name not in COLUMNS:
        raise KeyError(f"{VOCABULARY.name} declares no column {name!r}: say there what it is")
    return COLUMNS[name]


def table(name: str) -> str:
    """What a row of a table is, and what its names of kinds and arms stand for.

    Raises KeyError for a table that is not declared.
    """
    if name not in TABLES:
        raise KeyError(f"{VOCABULARY.name} declares no table {name!r}: say there what a row is")
    return TABLES[name]


def row(name: str) -> str:
    """What a row of a table is, in one sentence. Raises KeyError as ``table`` does."""
    return table(name).partition(". ")[0].removesuffix(".") + "."
