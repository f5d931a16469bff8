"""From what the analyses of single runs wrote to tables of the whole study."""

import json
from pathlib import Path

import pandas as pd

from mechanics.files import atomic


def read_analyses(runs: list[Path], analyses: list[Path]) -> pd.DataFrame:
    """One file of every run's analysis in one frame, after columns ``model``, ``seed``, ``status``.

    A run's folder is …/{model}/{block}. ``status`` is that of the seed's training: a diverged seed
    stays in the table, and whoever takes a mean must leave it out and say so (``sound``).
    """
    parts = []
    for folder, path in zip(runs, analyses, strict=True):
        record = json.loads((folder / "run.json").read_text())
        status = {replica["seed"]: replica["status"] for replica in record["replicas"]}
        part = pd.read_parquet(path)
        part.insert(0, "model", folder.parent.name)
        part.insert(part.columns.get_loc("seed") + 1, "status", part["seed"].map(status))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


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
    with atomic(path) as part:
        table.to_csv(part, index=False)
