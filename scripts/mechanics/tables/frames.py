"""Tables on disk: written at once or not at all, and known again if they were edited."""

from pathlib import Path

import pandas as pd

from mechanics.runtime.files import atomic, sha256

# The configurations of the assignment's table, in its words and order.
ASSIGNED = ("Linear Attention (L=1)", "Softmax Attention (L=1)", "Deep Transformer (L=6)")


class TableError(ValueError):
    """A table that is not what its program wrote. The message names it."""


def sound(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of seeds that did not diverge."""
    return frame[frame["status"] != "diverged"]


def seal(path: Path) -> None:
    """Write the hash of a table beside it, by which ``check_unedited`` knows it again."""
    with atomic(_sealed(path)) as part:
        part.write_text(sha256(path) + "\n", "utf-8")


def _sealed(path: Path) -> Path:
    return path.parent / ".sha256" / path.name


def check_unedited(path: Path) -> None:
    """Raise TableError unless the table is, to the byte, what its program wrote."""
    if not path.exists():
        raise TableError(f"{path} is missing. Make it again.")
    if not _sealed(path).exists() or _sealed(path).read_text("utf-8").strip() != sha256(path):
        raise TableError(
            f"{path} is not what its program wrote: it was edited. Delete it and make it again."
        )


def write_table(table: pd.DataFrame | str, path: Path) -> None:
    """As CSV, which is sealed, or as parquet where the path ends so, or text as it is."""
    with atomic(path) as part:
        if isinstance(table, str):
            part.write_text(table, "utf-8")
        elif path.suffix == ".csv":
            table.to_csv(part, index=False)
        else:
            floats = list(table.select_dtypes("float"))
            others = [name for name in table if name not in floats]
            # bytes of equal weight side by side: a third smaller, nothing lost
            encoding = {"use_byte_stream_split": floats, "use_dictionary": others}
            table.to_parquet(part, index=False, compression="zstd", **encoding)
    if path.suffix == ".csv":
        seal(path)


def write_tables(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """What was measured on a run, a parquet file for each table."""
    for name, table in tables.items():
        write_table(table, folder / f"{name}.parquet")


KEYS = ("key_frequencies", "keys_w_e", "keys_neurons", "harmonics")  # lists of frequencies as text


def read_table(path: Path) -> pd.DataFrame:
    """A table that ``write_table`` wrote. An empty list of key frequencies is not a missing one."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    table = pd.read_csv(path, dtype=dict.fromkeys(KEYS, str))
    return table.fillna(dict.fromkeys(KEYS, ""))
