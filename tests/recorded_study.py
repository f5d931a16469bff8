"""A small study with one run, a table and two figures, and its record."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
from helpers import run_program

from mechanics.figures import style
from mechanics.study import crate
from mechanics.study.config import training_settings
from mechanics.study.lineage import ROOT, closure, short_id

FIGURES = {"frequencies": "frequencies", "rank_collapse": "rank_collapse"}  # name: module
SECTION = {"p": 11, "train_fraction": 0.3, "defaults": {"weight_decay": 1.0}, "models": {"m": {}}}
CONFIG = {"study": "small", "modular_addition": SECTION}
RUN = "runs/modular_addition/m/3/run.json"
ABOUT_RUN = {
    "settings": training_settings(CONFIG, "modular_addition", "m"),
    "seeds": [3],
    "device": "cpu",
    "torch": "2.0",
    "python": "3.11.0",
    "git_commit": "0" * 40 + "-dirty",
}


def code(*names: str) -> list[str]:
    paths = closure(*(ROOT / "scripts" / f"{name}.py" for name in names))
    return [str(path.relative_to(ROOT)) for path in paths]


def job(rule: str, files: list[str], inputs: list[str], outputs: list[str], device=None) -> dict:
    return {"rule": rule, "code": files, "inputs": inputs, "outputs": outputs} | {
        **{"settings": None, "seeds": [], "device": device}
    }


def write_study(folder: Path) -> list[dict]:
    """One run, a table of it and two figures of the table; the jobs that would have made them."""
    run, table = folder / "runs/modular_addition/m/3", folder / "tables/grokking.csv"
    run.mkdir(parents=True)
    table.parent.mkdir()
    (run / "run.json").write_text(json.dumps(ABOUT_RUN | {"code_sha256": "made by older code"}))
    table.write_text("model,seed\nm,3\n")
    style.use_style()
    for name, module in FIGURES.items():
        figure, axis = plt.subplots()
        axis.set_title(name)
        program, source = ROOT / "scripts/plot.py", f"scripts/mechanics/figures/{module}.py"
        style.save(figure, folder / "figures", name, short_id([table], program, ROOT / source))
        plt.close(figure)
    read, made = [RUN], ["tables/grokking.csv"]
    return [
        job("train", code("train"), [], read),
        job("write_tables", code("write_tables"), read, made),
    ] + [
        job(
            "plot",
            code("plot", f"mechanics/figures/{module}"),
            made,
            [f"figures/{name}.pdf", f"figures/{name}.png"],
        )
        for name, module in FIGURES.items()
    ]


def record(folder: Path, jobs: list[dict]) -> dict:
    (folder / "jobs.json").write_text(json.dumps(jobs))
    arguments = ["--jobs", folder / "jobs.json", "--config", json.dumps(CONFIG)]
    run_program("record_provenance", *arguments, "--output", folder / crate.NAME)
    return crate.read(folder / crate.NAME)


def job_of(record: dict, path: str) -> dict:
    return next(job for job in record["jobs"] if path in job["outputs"])
