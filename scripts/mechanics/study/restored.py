"""Make a study of what is published, to go on from: nothing that was published is planned anew.

The files are copied, the held-out prompts sampled again. Snakemake notes the present settings and
code as those that made them, and plans what either changes from then on; the record goes on to say
what made them in truth. The checkpoints are not published: where the code or settings of what
follows them change, their runs are trained again. An existing study stays as it is.

``remember``: the folder .snakemake of an existing study is lost, and Snakemake would make it all
anew. It is told of each file that is as the study's own record says, with its code, its settings
and all it was made from.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mechanics.runtime.files import sha256
from mechanics.settings import read_yaml
from mechanics.study import crate
from mechanics.study.config import load, of_results, spelled_out
from mechanics.study.config_checks import check
from mechanics.study.lineage import LOCK, ROOT
from mechanics.study.provenance import ABSENT, altered, differences, unlike_config
from mechanics.tables.frames import seal


def settings_of(files: list[str]) -> tuple[dict, Path]:
    """The config of the study, of which these files are laid over the main one, and its folder."""
    paths = ["config/config.yaml", *files]
    config = load(paths)
    check(config, {path: read_yaml(path) for path in paths})
    return spelled_out(config), Path(config["results_folder"], config["study"])


def remember(files: list[str]) -> None:
    """Raises ConfigError or ValueError for a wrong config, no record, or one of another config."""
    config, study = settings_of(files)
    record = crate.read(study / crate.NAME)
    if found := list(differences(record["config"], of_results(config))):
        raise ValueError(f"{study} was made with other settings: {found[0][0]}, …")
    known = [str(study / path) for path in unchanged(study, record)]
    if known:
        snakemake(files, "--touch", "--forceall", *known)
    print(f"{study}: Snakemake knows {len(known)} of {len(record['sha256'])} files again")


def unchanged(study: Path, record: dict) -> list[str]:
    """The files that are as recorded, made by code that is as it was of files that are, too."""
    hashes, found = record["sha256"], set()
    same = {p for p, h in hashes.items() if (study / p).is_file() and sha256(study / p) == h}

    def is_own(code: dict[str, str]) -> bool:
        now = {file: ROOT / file for file in code if file != LOCK}
        return bool(code) and all(p.is_file() and sha256(p) == code[f] for f, p in now.items())

    waiting = [job for job in record["jobs"] if same.issuperset(job["outputs"])]
    waiting = [job for job in waiting if is_own(job["code"])]
    while ready := [job for job in waiting if found.issuperset(job["inputs"])]:
        found |= {path for job in ready for path in job["outputs"]}
        waiting = [job for job in waiting if job not in ready]
    return sorted(found)


def restore(published: Path, files: list[str]) -> None:
    """Raises ConfigError or ValueError for another config, altered files, an existing study."""
    record = crate.read(published / crate.NAME)
    if found := altered(published, record):
        raise ValueError(f"{published} is not as it was published:\n  " + "\n  ".join(found))
    config, study = settings_of(files)
    found = [
        f"{key} = {there} there, {here} here"
        for key, there, here in differences(record["config"], of_results(config))
        if there != ABSENT  # what was added since may be about other models; the runs know
    ]
    found += unlike_config(sorted(published.glob("runs/*/*/*/run.json")), config)
    if found:
        raise ValueError(
            f"{published} was made with other settings:\n  " + "\n  ".join(found) + "\nRestore it"
            f" with its own, make restore OVERLAY={published}/config.yaml, and change them then."
        )
    if study.exists():
        raise ValueError(f"{study} is there already: remove it, or name another study in {files}")
    try:
        copy(published, study, files, record["sha256"])
    except BaseException:  # half a study is none, and in the way of the next attempt
        shutil.rmtree(study, ignore_errors=True)
        raise


def copy(published: Path, study: Path, files: list[str], hashes: dict[str, str]) -> None:
    """Make the study's folder. Raises ValueError if Snakemake fails, and leaves a part of it."""
    outputs = [Path(line.split("\t")[0]) for line in snakemake(files, "--summary").splitlines()[1:]]
    shutil.copytree(published, study)
    shutil.copyfile(published / crate.NAME, study / crate.RESTORED)
    for table in study.glob("tables/*.csv"):
        seal(table)
    data = [path for path in outputs if path.is_relative_to(study / "data") and not path.exists()]
    if data:
        snakemake(files, *map(str, data))
    absent = [path for path in outputs if not path.exists()]
    try:
        for path in absent:  # Snakemake notes nothing of a job that lacks a file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("not published\n", "utf-8")
        snakemake(files, "--touch", "--forceall")
    finally:
        for path in absent:
            path.unlink(missing_ok=True)
    for path in data:
        if sha256(path) != hashes.get(path.relative_to(study).as_posix()):
            print(f"{path}: not as published to the bit: another processor rounds otherwise")
            print("Until this study is recorded anew, verify names what was made from these.")
    print(f"{study}: restored; of what it is made of {len(absent)} files are not published")


def snakemake(files: list[str], *arguments: str) -> str:
    """Run Snakemake and return its output. Raises ValueError with all that it says if it fails."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "1"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command += ["--configfile", *files] if files else []
    result = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    if result.returncode:
        raise ValueError(f"Snakemake failed:\n{result.stdout}{result.stderr}")
    return result.stdout
