"""The runs of a study and what was measured on them, for those who make tables of it."""

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from mechanics.tables.contents import is_dose, measures
from mechanics.tables.frames import TableError


@dataclass(frozen=True)
class Study:
    """The runs of a study, folders …/runs/{task}/{model}/{block}, and what was measured on them.

    ``settings``: ``variants``, the model that each variant's name varies; ``tabulated_at``;
    ``followed``, whether the checkpoints of addition runs were followed (not in a sweep).
    """

    folder: Path
    runs: list[Path]
    settings: dict = field(default_factory=dict)

    @property
    def variants(self) -> dict[str, str]:
        return self.settings.get("variants", {})

    @cached_property
    def records(self) -> dict[Path, dict]:
        """What run.json says of each run."""
        return {run: json.loads((run / "run.json").read_text("utf-8")) for run in self.runs}

    def is_imported(self, run: Path) -> bool:
        return "weights" in self.records[run]["settings"]

    def _is_dose(self, run: Path) -> bool:
        return run.parts[-2] in self.variants and is_dose(self.records[run]["settings"])

    def runs_of(
        self, task: str, variants: bool = True, doses: bool = False, imported: bool = False
    ) -> list[Path]:
        """Runs of a task, without imported weights, of whose training nothing is known, and without
        those for the table ``norm_dose`` alone (``is_dose``)."""
        return [
            run
            for run in self.runs
            if run.parts[-3] == task
            and (variants or run.parts[-2] not in self.variants)
            and (doses or not self._is_dose(run))
            and (imported or not self.is_imported(run))
        ]

    def settings_of(self, task: str) -> dict[str, dict]:
        """The settings of every model, by its name."""
        runs = self.runs_of(task, imported=True)
        return {run.parts[-2]: self.records[run]["settings"] for run in runs}

    def analysis(self, run: Path, name: str) -> pd.DataFrame:
        """One file of what was measured on a run."""
        return pd.read_parquet(self.folder.joinpath("analysis", *run.parts[-3:], f"{name}.parquet"))

    def runs_with(self, task: str, analysis: str, variants: bool = True) -> list[Path]:
        """Runs of a task, imported ones too, that have this analysis."""
        tables_of = measures(task).tables_of
        return [
            run
            for run in self.runs_of(task, variants, imported=True)
            if analysis in tables_of(self.records[run]["settings"], run.parts[-2] in self.variants)
        ]

    def gather(self, task: str, name: str, variants: bool = True) -> pd.DataFrame:
        """One analysis of every run that has it, after columns ``model``, ``seed``, ``status``.

        ``status`` is that of the seed's training: a diverged seed stays in the table, and whoever
        takes a mean must leave it out and say so (``sound``). In addition, ``model`` is the one
        that a variant varies, followed by ``arm`` and ``weight_decay`` (``arm_of``); the name
        itself is in the last column, ``entry``.

        Raises TableError if no run has it.
        """
        parts = []
        for run in self.runs_with(task, name, variants):
            record, entry = self.records[run], run.parts[-2]
            settings = record["settings"]
            status = {replica["seed"]: replica["status"] for replica in record["replicas"]}
            part = self.analysis(run, name)
            part.insert(part.columns.get_loc("seed") + 1, "status", part["seed"].map(status))
            about = {"model": entry}
            if task == "modular_addition":
                about = arm_of(entry, settings, self.variants)
                part["entry"] = entry
            for column, (key, value) in enumerate(about.items()):
                part.insert(column, key, value)
            parts.append(part)
        if not parts:
            raise TableError(f"{name}: it is measured on none of the {len(self.runs)} runs")
        return pd.concat(parts, ignore_index=True)


def arm_of(entry: str, settings: dict, variants: dict[str, str]) -> dict[str, str | float]:
    """``model``, ``arm`` and ``weight_decay`` of an addition network, by its entry in the config.

    The arm is what becomes of the weight decay after memorising if that is not ``keep``; else, of a
    variant, its ``mlp_dtype`` if it has one or ``weight_decay``, or ``control`` if it stands for
    itself; of another network ``main``. Of one that was imported the weight decay is not known.
    """
    if "weights" in settings:
        return {"model": entry, "arm": "main", "weight_decay": math.nan}
    arm, model = settings["after_memorising"], variants.get(entry, entry)
    if arm == "keep":
        arm = settings.get("mlp_dtype", "weight_decay") if entry in variants else "main"
    if entry in variants and model == entry:
        arm = "control"
    return {"model": model, "arm": arm, "weight_decay": settings["weight_decay"]}
