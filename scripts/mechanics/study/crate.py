"""The record of a study on disk: ``ro-crate-metadata.json``, a Process Run Crate.

See https://w3id.org/ro/wfrun/process. Elsewhere the record is a dict:

- ``study``, ``machine``, ``config``: its name, where it was recorded, all its settings;
- ``sha256``: of each file, by its path in the study's folder, or ``GONE``; ``absent``: those that
  are not there;
- ``jobs``: of each the ``rule``, ``program``, ``code`` (hash by file, the lock among them),
  ``code_sha256``, ``git_commit``, ``software``, ``settings_sha256``, ``seeds``, ``device``, and the
  paths of its ``inputs`` and ``outputs``.
"""

import json
from datetime import date
from pathlib import Path

from mechanics.runtime.files import atomic, sha256
from mechanics.settings import as_argument
from mechanics.study.lineage import ID_DIGITS, git, value_sha256

NAME = "ro-crate-metadata.json"
MANIFEST = "manifest-sha256.txt"  # beside it: `sha256sum -c` reads it
GONE = ""  # the hash of what was removed before the study was recorded
RESTORED = "restored.json"  # in a study's folder: the published record of what was restored
CRATE, PROFILE = "https://w3id.org/ro/crate/1.1", "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
TOLD = ("settings_sha256", "seeds", "device")  # a job's parameters


def write(path: Path, record: dict) -> None:
    """Write the record into the folder of the files. Which of them are absent is seen anew."""
    graph: dict[str, dict] = {}

    def add(kind: str, place: str = "", /, **about: object) -> dict:
        place = place or f"#{value_sha256([kind, about])[:ID_DIGITS]}"
        graph[place] = {"@id": place, "@type": kind, **about}
        return {"@id": place}

    def file(name: str) -> dict:
        here = (path.parent / name).is_file()
        kind, place = ("File", name) if here else ("CreativeWork", f"#{name}")
        return add(kind, place, name=name, sha256=record["sha256"][name])

    def action(job: dict) -> dict:
        program = add(
            "SoftwareApplication",
            name=job["program"],
            identifier=job["code_sha256"],
            softwareVersion=job["git_commit"],
            softwareRequirements=job["software"],
            hasPart=[add("SoftwareSourceCode", name=n, sha256=h) for n, h in job["code"].items()],
        )
        told = [add("PropertyValue", name=name, value=job[name]) for name in TOLD]
        read, made = (list(map(file, job[key])) for key in ("inputs", "outputs"))
        about = {"instrument": program, "object": read + told, "result": made}
        return add("CreateAction", name=job["rule"], **about)

    files = list(map(file, record["sha256"]))
    day = git("show", "-s", "--format=%cs")
    add("CreativeWork", NAME, about={"@id": "./"}, conformsTo={"@id": CRATE})
    add(
        "Dataset",
        "./",
        name=record["study"],
        description="A study of transformer-mechanics, and what made each of its files",
        datePublished=day.decode().strip() if day else date.today().isoformat(),
        license=add("CreativeWork", "https://spdx.org/licenses/MIT", name="MIT License"),
        conformsTo=add("CreativeWork", PROFILE, name="Process Run Crate"),
        hasPart=[own for own in files if not own["@id"].startswith("#")],
        mentions=list(map(action, record["jobs"])),
        additionalProperty=[
            add("PropertyValue", f"#{name}", name=name, value=as_argument(record[name]))
            for name in ("machine", "config")
        ],
    )
    text = ",\n".join(map(json.dumps, graph.values()))  # an entity a line, for `git diff`
    with atomic(path) as part:
        part.write_text(
            f'{{"@context": {json.dumps(CONTEXT)},\n"@graph": [\n{text}\n]}}\n', "utf-8"
        )
    sums = {name: record["sha256"][name] for name in record["sha256"] if name in graph}
    sums[path.name] = sha256(path)
    with atomic(path.with_name(MANIFEST)) as part:
        part.write_text("".join(f"{own}  {name}\n" for name, own in sums.items()), "utf-8")


def read(path: Path) -> dict:
    """The record of a study. Raises ValueError if it is not there or cannot be read."""
    try:
        graph = {entity["@id"]: entity for entity in json.loads(path.read_text("utf-8"))["@graph"]}
        files = [own for own in graph.values() if own["@type"] in ("File", "CreativeWork")]
        files = {own["name"]: own for own in files if "sha256" in own}
        return {
            "study": graph["./"]["name"],
            "machine": json.loads(graph["#machine"]["value"]),
            "config": json.loads(graph["#config"]["value"]),
            "sha256": {name: own["sha256"] for name, own in files.items()},
            "absent": [name for name, own in files.items() if own["@type"] != "File"],
            "jobs": [_job(graph, graph[action["@id"]]) for action in graph["./"]["mentions"]],
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the record of a finished study ({error!r})") from error


def _job(graph: dict[str, dict], action: dict) -> dict:
    program = graph[action["instrument"]["@id"]]
    code, read, made = (
        [graph[entity["@id"]] for entity in entities]
        for entities in (program["hasPart"], action["object"], action["result"])
    )
    return {
        "rule": action["name"],
        "program": program["name"],
        "code_sha256": program["identifier"],
        "git_commit": program["softwareVersion"],
        "software": program["softwareRequirements"],
        "code": {own["name"]: own["sha256"] for own in code},
        **{own["name"]: own["value"] for own in read if "value" in own},
        "inputs": [own["name"] for own in read if "sha256" in own],
        "outputs": [own["name"] for own in made],
    }
