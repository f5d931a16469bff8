"""Whether a study, and the code that made it, are still what its record speaks of."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mechanics.runtime.files import sha256
from mechanics.study.config import models, training_settings
from mechanics.study.lineage import ROOT, git, id_of

ABSENT = "(absent)"  # the value of a key that is not there


def altered(folder: Path, record: dict) -> list[str]:
    """What in the folder of a study is not as recorded: a line for each reason."""
    old = record["sha256"]
    now = {path: sha256(folder / path) for path in old if (folder / path).is_file()}
    edited = {path for path in now if now[path] != old[path]}
    found = [f"{path}: missing" for path in old.keys() - now.keys() - {*record["absent"]}]
    found += [f"{path}: not the file that was recorded" for path in edited]
    for job in record["jobs"]:
        changed = ", ".join(path for path in job["inputs"] if path in edited)
        made_from = id_of((old[path] for path in job["inputs"]), job["code_sha256"])
        for path in now.keys() & set(job["outputs"]):
            if changed:
                found.append(f"{path}: made from other content of {changed}")
            drawn = path.endswith((".png", ".pdf"))
            if drawn and made_from.encode() not in (folder / path).read_bytes():
                found.append(f"{path}: does not carry {made_from}, the id of what it was made from")
    intact = sorted(now.keys() - edited)
    runs = [folder / path for path in intact if path.endswith("/run.json")]
    return sorted(found) + unlike_config(runs, record["config"])


def unlike_config(runs: list[Path], config: dict) -> list[str]:
    """Settings with which a run was trained (``run.json``) that are not those of a config."""
    found = []
    for path in runs:
        task, model = path.parts[-4:-2]
        if config.get(task) and model in models(config[task]):
            run = json.loads(path.read_text("utf-8"))
            trained = run.get("asked", run["settings"])  # what an import found is in its settings
            asked = training_settings(config, task, model)
            found += [
                f"{path}: trained with {key} = {one}, but the config says {other}"
                for key, one, other in differences(trained, asked)
            ]
    return found


def differences(one: dict, other: dict, above: str = "") -> Iterator[tuple[str, object, object]]:
    """Keys with two values, and both. One that is absent is ``ABSENT``, and the same as null."""
    for key in {**one, **other}:
        values = one.get(key, ABSENT), other.get(key, ABSENT)
        if all(isinstance(value, dict) for value in values):
            yield from differences(*values, f"{above}{key}.")
        elif values[0] != values[1] and {*map(str, values)} != {ABSENT, "None"}:
            yield f"{above}{key}", *values


def moved_on(record: dict) -> tuple[list[str], list[str]]:
    """Programs whose code is no longer that with which the study was made, a line for each.

    First those that the recorded commit holds as they were recorded, so that they can be had again;
    then those of which that cannot be said, and with them what claims a commit that is not its own.
    """
    same_code = defaultdict(list)
    for job in record["jobs"]:
        same_code[job["program"], job["git_commit"], job["code_sha256"]].append(job)
    kept, lost = [], []
    for (program, commit, _), jobs in sorted(same_code.items()):
        code = jobs[0]["code"]
        then = {file: sha256_at(commit, file) for file in code}
        now = {file: sha256(ROOT / file) for file in code if (ROOT / file).is_file()}
        made = _some([path for job in jobs for path in job["outputs"]], 1)
        if not code:
            lost.append(f"{program}: other code already when it was recorded; it made {made}")
        elif foreign := [file for file in code if then[file] not in (None, code[file])]:
            told = f"{len(foreign)} of its {len(code)} files not as in commit {commit}"
            lost.append(f"{program}: {told}: {_some(foreign, 2)}; it made {made}")
        elif edited := [file for file in code if now.get(file) != code[file]]:
            told = f"{len(edited)} of its {len(code)} files changed"
            line = f"{program}: {told}: {_some(edited, 2)}; it made {made}"
            (kept if then == code else lost).append(line)
    return kept, lost


def _some(paths: list[str], at_most: int) -> str:
    """The first of these, and how many more there are."""
    more = [f"{len(paths) - at_most} more"] if len(paths) > at_most else []
    return " and ".join([", ".join(paths[:at_most]), *more])


@cache
def sha256_at(commit: str, file: str) -> str | None:
    """Hash of a file of the project as it is in a commit; None if git does not know it."""
    content = git("show", f"{commit}:./{file}")
    return None if content is None else hashlib.sha256(content).hexdigest()
