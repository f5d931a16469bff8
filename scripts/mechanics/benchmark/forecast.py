"""What a study would cost on n cores or on one GPU, from the records of one that is finished.

Which job needs which is read from ``provenance.json``, how long a training took from ``run.json``
(all of it, also where it was killed and went on) and another job from what Snakemake's
``benchmark:`` wrote of it. A job is taken to last as long whatever runs beside it.
"""

import json
import math
from collections import defaultdict
from pathlib import Path

import pandas as pd

from mechanics.benchmark.schedule import Job, critical_path, makespan
from mechanics.benchmark.turns import Row
from mechanics.study.verification import read_provenance

CORES = (1, 2, 4, 8, 16, 32, 64)


def finished_study(study: Path, published: Path) -> Path | None:
    """The folder to forecast from: the study's own or, if that is not finished, the published one
    if it is of a study of that name; None without either.

    Raises ValueError for a published provenance that cannot be read.
    """
    if (study / "provenance.json").exists():
        return study
    if (published / "provenance.json").exists():
        return published if read_provenance(published).get("study") == study.name else None
    return None


def missing_row(study: Path, published: Path) -> Row:
    """What is said where there is nothing to forecast from."""
    note = f"left out: {study}/provenance.json is missing, it is no finished study, and {published}"
    return "forecast", math.nan, "min", f"{note} holds none of that name"


def record_name(path: str, rule: str) -> str:
    """Name of the record that Snakemake keeps of the job that made a file, without ``.tsv``.

    As the rules name it: the rule or its program, then its wildcards. The files of one job have
    one name, so that it serves as the job's name, too.

    >>> record_name("analysis/modular_addition/softmax_L1/0/circuit.parquet", "measure_circuit")
    'measure_circuit_softmax_L1_0'
    """
    parts, stem = Path(path).parts, Path(path).stem
    if rule == "train":  # runs/{task}/{model}/{block}/
        return "_".join(("train", *parts[1:4]))
    if rule == "extract_weights":  # weights/{task}/{model}/seed{seed}
        return "_".join((rule, *parts[1:3], stem))
    if rule == "split_pairs":
        return f"split_pairs_{stem.removeprefix('split_')}"
    if rule.startswith(("gather", "plot")):  # a rule for each kind of table or figure
        return f"{rule.partition('_')[0]}_{stem}"
    if parts[0] == "analysis" and len(parts) > 2:  # analysis/{task}/{model}/{block}/
        return "_".join((f"measure_{stem}" if rule == "measure" else rule, *parts[2:4]))
    return rule


def recorded_jobs(study: Path) -> tuple[dict[str, Job], list[str]]:
    """The jobs of a finished study by name, and the names of those without a record: 0 s.

    Raises ValueError if the provenance, the ``run.json`` of a training or a record is missing or
    not what its program wrote.
    """
    artefacts = read_provenance(study)["artefacts"]
    names = {path: record_name(path, entry["rule"]) for path, entry in artefacts.items()}
    needs, trained = defaultdict(set), {}
    for path, entry in artefacts.items():
        needs[names[path]] |= {names[need] for need in entry["inputs"]} - {names[path]}
        if entry["rule"] == "train":
            trained[names[path]] = (study / path).parent / "run.json"
    jobs, unknown = {}, []
    for name, needed in needs.items():
        cores, seconds = 1, _snakemake_seconds(study / f"benchmarks/{name}.tsv")
        if name in trained:
            record = _read_run(trained[name])
            cores = record["threads"]
            # Snakemake has the start of the program, too, but of a resumed run the last part alone
            seconds = max(record["seconds"], seconds or 0.0)
        if seconds is None:
            unknown.append(name)
        jobs[name] = Job(seconds or 0.0, frozenset(needed), cores)
    return jobs, unknown


def _snakemake_seconds(path: Path) -> float | None:
    """Wall-clock seconds of a job, None if Snakemake kept no record of it."""
    return float(_read_record(path)["s"]) if path.exists() else None


def _read_record(path: Path) -> pd.Series:
    table = pd.read_csv(path, sep="\t")
    if table.empty or not {"s", "cpu_time"} <= {*table}:
        raise ValueError(f"{path}: not a record of Snakemake's: no row with columns s, cpu_time")
    return table.iloc[0]


def _read_run(path: Path) -> dict:
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not the record of a training ({error})") from error
    if absent := sorted({"seconds", "threads", "settings", "replicas"} - record.keys()):
        raise ValueError(f"{path}: has no {absent[0]!r}: not the record of a training")
    return record


def forecast_rows(
    study: Path, jobs: dict[str, Job], unknown: list[str], seconds_per_job: float = 0.0
) -> list[Row]:
    """Wall-clock minutes on n cores, beside what bounds them: work / n and the critical path.

    ``jobs`` and ``unknown`` are the ``recorded_jobs`` of the study, ``seconds_per_job`` is what
    Snakemake needs beside each.
    """
    extra = max(seconds_per_job, 0.0)
    jobs = {name: Job(job.seconds + extra, job.needs, job.cores) for name, job in jobs.items()}
    work = sum(job.seconds * job.cores for job in jobs.values())
    trainings = [name for name in jobs if name.startswith("train_")]
    share = sum(jobs[name].seconds * jobs[name].cores for name in trainings) / work
    note = f"{len(jobs)} jobs of {study} and {extra:.2g} s of Snakemake's beside each; {share:.0%}"
    note += f" of it {len(trainings)} trainings"
    if unknown:
        note += f"; a lower bound: {len(unknown)} jobs left no record and count as 0 s"
        note += f" ({', '.join(unknown[:2])}{', …' if len(unknown) > 2 else ''})"
    rows: list[Row] = [("forecast_work", work / 60, "core min", note)]
    rows += _load_while_recorded(study, trainings)
    path = critical_path(jobs)
    longest = sum(jobs[name].seconds for name in path)
    chain = " → ".join(f"{name} {jobs[name].seconds / 60:.1f}" for name in path)
    rows.append(("forecast_critical_path", longest / 60, "min", f"no more cores help: {chain}"))
    for n_cores in CORES:
        wall = makespan(jobs, n_cores)
        note = f"longest remaining path first; cores busy {work / wall / n_cores:.0%} of the time"
        rows.append((f"forecast_on_{n_cores}_cores", wall / 60, "min", note))
    return rows


def _load_while_recorded(study: Path, trainings: list[str]) -> list[Row]:
    """How much of a core the trainings had: less than all of it makes a forecast too long."""
    files = [study / f"benchmarks/{name}.tsv" for name in trainings]
    records = [_read_record(path) for path in files if path.exists()]
    if not records:
        return []
    share = sum(r["cpu_time"] for r in records) / sum(r["s"] for r in records)
    note = (
        "of a core that trainings had while recorded; well below 1 they shared it, and a forecast"
    )
    return [("forecast_recorded_load", share, "share", f"{note} for free cores is too long")]
