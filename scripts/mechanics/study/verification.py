"""Whether the files of a study are still those that its provenance speaks of.

Two kinds of findings: a file is not what was recorded, or the code has moved on since it was made.
"""

import hashlib
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image
from pypdf import PdfReader
from pypdf.errors import PdfReadError

from mechanics.runtime.files import sha256
from mechanics.study.lineage import ROOT, closure, code_sha256, id_of, settings_sha256

MARK = "provenance:"  # before the id among the keywords of a PDF


def read_provenance(folder: Path) -> dict:
    """The record of a study. Raises ValueError if it is not there or cannot be read."""
    path = folder / "provenance.json"
    try:
        provenance = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not the provenance of a finished study ({error})") from error
    if "artefacts" not in provenance:
        raise ValueError(f"{path}: names no artefacts: it was published by an older version")
    return provenance


def altered(folder: Path, provenance: dict) -> list[str]:
    """What in a study's folder, or a published one, is not as recorded: a line for each reason.

    Files that ``left_out`` names may be missing: they were not published.
    """
    found = []
    if settings_sha256(provenance["config"]) != provenance["config_sha256"]:
        found.append("provenance.json: its config is not the one that it was hashed with")
    artefacts = provenance["artefacts"]
    published = provenance.get("sha256", {})  # weights and config files, too
    there = {path for path in (*artefacts, *published) if (folder / path).is_file()}
    hashes = {path: sha256(folder / path) for path in sorted(there)}
    for path, entry in artefacts.items():
        if path in hashes:
            found += [f"{path}: {why}" for why in _reasons(folder / path, path, entry, hashes)]
        elif path not in provenance.get("left_out", []):
            found.append(f"{path}: missing")
    for path in sorted(published.keys() - artefacts.keys()):
        if path not in hashes:
            found.append(f"{path}: missing")
        elif hashes[path] != published[path]:
            found.append(f"{path}: not the file that was published")
    return found


def _reasons(file: Path, path: str, entry: dict, hashes: dict[str, str]) -> Iterator[str]:
    if hashes[path] != entry["sha256"]:
        yield "not the file that was recorded"
    elif file.name == "run.json":
        settings = json.loads(file.read_text())["settings"]
        if settings_sha256(settings) != entry["config_sha256"]:
            yield "its settings are not those that were recorded"
    changed = [name for name, old in entry["inputs"].items() if hashes.get(name, old) != old]
    if changed:
        yield f"made from other content of {', '.join(changed)}"
    carried = carried_id(file)
    expected = id_of(entry["inputs"].values(), entry["code_sha256"])
    if carried not in (None, expected):
        yield f"carries the id {carried}, but what it was made from has the id {expected}"
    if carried is None and path.startswith("figures/"):
        yield "carries no id of its provenance"


def carried_id(file: Path) -> str | None:
    """The short id in the metadata of a PNG or PDF; None if it has none or cannot be read."""
    try:
        if file.suffix == ".png":
            return Image.open(file).info.get("Provenance")
        if file.suffix == ".pdf":
            words = str((PdfReader(file).metadata or {}).get("/Keywords", "")).split()
            return next((w[len(MARK) :] for w in words if w.startswith(MARK)), None)
    except (OSError, PdfReadError):  # not the file that was recorded: its hash tells that
        return None
    return None


def moved_on(provenance: dict, lock: Path) -> tuple[list[str], list[str]]:
    """Programs and lock that are no longer those that the study was made with, a line for each.

    First those that the recorded commit holds as they were recorded, so that they can be had again;
    then those of which that cannot be said, and with them what claims a commit that is not its own.
    """
    made_by = defaultdict(list)
    for path, entry in provenance["artefacts"].items():
        commit = "" if entry["dirty"] else entry["git_commit"]
        made_by[entry["program"], entry["code_sha256"], commit].append(path)
    kept, lost = [], []
    for (program, code, commit), paths in sorted(made_by.items()):
        recorded = provenance["code"].get(code, {})
        held = hashes_at(commit, recorded)
        made = f"it made {listed(paths)}"
        if foreign := [file for file, old in recorded.items() if held.get(file, old) != old]:
            lost.append(f"{program}: {', '.join(foreign)}: not as in commit {commit}; {made}")
        elif files := edited_since(provenance, paths[0]):
            line = f"{program}: {', '.join(files)}; {made}"
            (kept if recorded and held.keys() == recorded.keys() else lost).append(line)
    if sha256(lock) != provenance["lock_sha256"]:
        name = Path(os.path.relpath(lock, ROOT)).as_posix()
        held = hashes_at(provenance["git_commit"], [name]).get(name)
        line = f"{lock}: other packages are pinned now"
        (kept if held == provenance["lock_sha256"] else lost).append(line)
    return kept, lost


def hashes_at(commit: str, files: Iterable[str]) -> dict[str, str]:
    """Hashes of files of the project as they are in a commit; those that git knows."""
    files = list(files)
    asked = "".join(f"{commit}:./{file}\n" for file in files if commit)
    command = ["git", "-C", str(ROOT), "cat-file", "--batch"]
    try:
        answer = subprocess.run(command, input=asked.encode(), capture_output=True, check=False)
    except OSError:
        return {}
    found, rest = {}, answer.stdout
    for file in files:
        head, _, rest = rest.partition(b"\n")
        if (words := head.split())[1:2] == [b"blob"]:
            size = int(words[2])
            found[file] = hashlib.sha256(rest[:size]).hexdigest()
            rest = rest[size + 1 :]
    return found


def edited_since(provenance: dict, path: str) -> list[str]:
    """Files of the code that made an artefact that are not what they were then."""
    entry = provenance["artefacts"][path]
    files = provenance["code"].get(entry["code_sha256"])
    if files is not None:
        return [
            file
            for file, old in files.items()
            if not (ROOT / file).is_file() or sha256(ROOT / file) != old
        ]
    # A run that was made by other code than that of the time of recording: its commit may tell.
    present = closure(ROOT / entry["program"])
    if code_sha256(present) == entry["code_sha256"]:
        return []
    return _differing(entry["git_commit"], present) or ["other code already when it was recorded"]


def _differing(commit: str, files: list[Path]) -> list[str]:
    """Those of the files that differ from a commit, as far as git knows it."""
    command = ["git", "-C", str(ROOT), "diff", "--name-only", commit, "--", *map(str, files)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return []
    return result.stdout.split() if result.returncode == 0 else []


def listed(paths: list[str], most: int = 4) -> str:
    """The first of the paths, and how many more there are."""
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
