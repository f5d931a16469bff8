"""From what the analyses of single runs wrote to tables of the whole study."""

import json
from pathlib import Path

import pandas as pd

from mechanics.runtime.files import atomic, sha256

# The configurations of the assignment's table, in its words and order.
ASSIGNED = ("Linear Attention (L=1)", "Softmax Attention (L=1)", "Deep Transformer (L=6)")


class TableError(Exception):
    """A table that is not what its program wrote. The message names it."""


def read_analyses(
    runs: list[Path], analyses: list[Path], variants: dict[str, str] | None = None
) -> pd.DataFrame:
    """One file of every run's analysis in one frame, after columns ``model``, ``seed``, ``status``.

    A run's folder is …/{model}/{block}. ``status`` is that of the seed's training: a diverged seed
    stays in the table, and whoever takes a mean must leave it out and say so (``sound``).
    With ``variants``, the model that each variant's name varies, ``model`` is that one, followed
    by ``arm`` and ``weight_decay`` (``arm_of``); the name itself is in the last column, ``entry``.
    """
    parts = []
    for folder, path in zip(runs, analyses, strict=True):
        record = json.loads((folder / "run.json").read_text())
        status = {replica["seed"]: replica["status"] for replica in record["replicas"]}
        part = pd.read_parquet(path)
        part.insert(part.columns.get_loc("seed") + 1, "status", part["seed"].map(status))
        entry = folder.parent.name
        if variants is None:
            part.insert(0, "model", entry)
        else:
            arm = arm_of(entry, record["settings"], variants)
            for place, (name, value) in enumerate(arm.items()):
                part.insert(place, name, value)
            part["entry"] = entry
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def arm_of(entry: str, settings: dict, variants: dict[str, str]) -> dict[str, str | float]:
    """``model``, ``arm`` and ``weight_decay`` of an addition network, by its entry in the config.

    The arm is what becomes of the weight decay after memorising if that is not ``keep``; else, of a
    variant, its ``mlp_dtype`` if it has one or ``weight_decay``; of another network ``main``.
    """
    arm = settings["after_memorising"]
    if arm == "keep":
        arm = settings.get("mlp_dtype", "weight_decay") if entry in variants else "main"
    model = variants.get(entry, entry)
    return {"model": model, "arm": arm, "weight_decay": settings["weight_decay"]}


def sound(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of seeds that did not diverge."""
    return frame[frame["status"] != "diverged"]


def settings_of(runs: list[Path]) -> dict[str, dict]:
    """The settings of every model, by its name."""
    return {
        folder.parent.name: json.loads((folder / "run.json").read_text())["settings"]
        for folder in runs
    }


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table and seal it."""
    with atomic(path) as part:
        table.to_csv(part, index=False)
    seal(path)


def seal(path: Path) -> None:
    """Write the hash of a table beside it, by which ``check_unedited`` knows it again."""
    with atomic(_sealed(path)) as part:
        part.write_text(sha256(path) + "\n")


def _sealed(path: Path) -> Path:
    return path.parent / ".sha256" / path.name


def check_unedited(path: Path) -> None:
    """Raise TableError unless the table is, to the byte, what its program wrote."""
    if not path.exists():
        raise TableError(f"{path} is missing. Make it again.")
    if not _sealed(path).exists() or _sealed(path).read_text().strip() != sha256(path):
        raise TableError(
            f"{path} is not what its program wrote: it was edited. Delete it and make it again."
        )


def write_table(table: pd.DataFrame, path: Path) -> None:
    """As CSV, or as parquet where the path ends so."""
    if path.suffix != ".parquet":
        return write_csv(table, path)
    floats = list(table.select_dtypes("float"))
    others = [name for name in table if name not in floats]
    with atomic(path) as part:  # bytes of equal weight side by side: a third smaller, nothing lost
        encoding = {"use_byte_stream_split": floats, "use_dictionary": others}
        table.to_parquet(part, index=False, compression="zstd", **encoding)


def write_tables(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """What was measured on a run, a parquet file for each table."""
    for name, table in tables.items():
        write_table(table, folder / f"{name}.parquet")


KEYS = ("key_frequencies", "keys_w_e", "keys_neurons")  # lists of frequencies as text


def read_table(path: Path) -> pd.DataFrame:
    """A table that ``write_table`` wrote. An empty list of key frequencies is not a missing one."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    table = pd.read_csv(path, dtype=dict.fromkeys(KEYS, str))
    return table.fillna(dict.fromkeys(KEYS, ""))
