"""A small study with one run, a table and two figures, and its record."""

import json
import subprocess
from pathlib import Path

import matplotlib.pyplot as plt
from helpers import run_program

from mechanics.figures import style
from mechanics.study import crate
from mechanics.study.config import training_settings
from mechanics.study.lineage import ROOT, closure, short_id

FIGURES = ("frequencies", "rank_collapse")
SECTION = {"p": 11, "train_fraction": 0.3, "defaults": {"weight_decay": 1.0}, "models": {"m": {}}}
CONFIG = {"study": "small", "modular_addition": SECTION}
RUN, TABLE = "runs/modular_addition/m/3/run.json", "tables/grokking.csv"
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
    """A job as Snakemake's rules tell of it."""
    made = {"rule": rule, "code": files, "inputs": inputs, "outputs": outputs}
    return made | {"settings": None, "seeds": [], "device": device}


def recorded_job(inputs: list[str], outputs: list[str], code: dict | None = None) -> dict:
    """A job as the record has it, of which only the files matter."""
    about = {"rule": "r", "program": "scripts/train.py", "code_sha256": "c", "git_commit": "abc"}
    about |= {"software": ["Python 3"], "settings_sha256": "s", "seeds": [0], "device": "cpu"}
    return about | {"code": code or {}, "inputs": inputs, "outputs": outputs}


def write_record(folder: Path, hashes: dict[str, str], jobs: list[dict], config: dict) -> None:
    record = {"study": "small", "machine": "m", "config": config, "sha256": hashes, "jobs": jobs}
    crate.write(folder / crate.NAME, record)


def write_study(folder: Path) -> list[dict]:
    """One run, a table of it and two figures of the table; the jobs that would have made them."""
    run, table = folder / RUN, folder / TABLE
    run.parent.mkdir(parents=True)
    table.parent.mkdir()
    run.write_text(json.dumps(ABOUT_RUN | {"code_sha256": "made by older code"}))
    table.write_text("model,seed\nm,3\n")
    theirs = "theirs.pth"  # no job makes it: it is no file of the study
    jobs = [job("train", code("train"), [theirs], [RUN])]
    jobs.append(job("write_tables", code("write_tables"), [RUN], [TABLE]))
    style.use_style()
    for name in FIGURES:
        figure, axis = plt.subplots()
        axis.set_title(name)
        program, source = ROOT / "scripts/plot.py", f"mechanics/figures/{name}"
        made_from = short_id([table], program, ROOT / f"scripts/{source}.py")
        style.save(figure, folder / "figures", name, made_from)
        plt.close(figure)
        made = [f"figures/{name}.pdf", f"figures/{name}.png"]
        jobs.append(job("plot", code("plot", source), [TABLE], made))
    return jobs


def record(folder: Path, jobs: list[dict]) -> dict:
    (folder / "jobs.json").write_text(json.dumps(jobs))
    arguments = ["--jobs", folder / "jobs.json", "--config", json.dumps(CONFIG)]
    run_program("record_provenance", *arguments, "--output", folder / crate.NAME)
    return crate.read(folder / crate.NAME)


def job_of(record: dict, path: str) -> dict:
    return next(job for job in record["jobs"] if path in job["outputs"])


def repository(folder: Path, file: str) -> Path:
    """A git repository with two commits of one file, of which the first says old."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    author = ["-c", "user.name=n", "-c", "user.email=e"]
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    for text in ("old", "new"):
        (folder / file).write_text(text)
        for words in (["add", "--all"], [*author, "commit", "--quiet", "-m", text]):
            subprocess.run(["git", "-C", folder, *words], check=True)
    return folder
