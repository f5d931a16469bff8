"""The record of a study on disk: ``ro-crate-metadata.json``, a Process Run Crate.

See https://w3id.org/ro/wfrun/process. Elsewhere the record is a dict:

- ``study``, ``machine``, ``config``: its name, where it was recorded, all its settings;
- ``sha256``: of each file, by its path in the study's folder; ``absent``: those that are not there;
- ``jobs``: of each the ``rule``, ``program``, ``code`` (hash by file, the lock among them),
  ``code_sha256``, ``git_commit``, ``software``, ``settings_sha256``, ``seeds``, ``device``, and the
  paths of its ``inputs`` and ``outputs``.
"""

import json
from datetime import date
from pathlib import Path

from mechanics.runtime.files import atomic
from mechanics.settings import as_argument
from mechanics.study.lineage import ID_DIGITS, git, value_sha256

NAME = "ro-crate-metadata.json"
RESTORED = "restored.json"  # in a study's folder: the published record of what was restored
CRATE, PROFILE = "https://w3id.org/ro/crate/1.1", "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
ROOT = {  # of every study
    "@id": "./",
    "@type": "Dataset",
    "description": "A study of transformer-mechanics, and what made each of its files",
    "license": {"@id": "https://spdx.org/licenses/MIT", "@type": "CreativeWork", "name": "MIT"},
    "conformsTo": {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate"},
}
TOLD = ("settings_sha256", "seeds", "device")  # a job's parameters
PROGRAM = {"name": "program", "identifier": "code_sha256", "softwareVersion": "git_commit"}
PROGRAM |= {"softwareRequirements": "software"}


def write(path: Path, record: dict) -> None:
    """Write the record into the folder of the files. Which of them are absent is seen anew."""
    graph: dict[str, dict] = {}

    def flat(value: object) -> object:
        """Entities beside each other, which name each other."""
        if isinstance(value, list):
            return list(map(flat, value))
        if not isinstance(value, dict):
            return value
        entity = {key: flat(own) for key, own in value.items()}
        name = entity.setdefault("@id", f"#{value_sha256(entity)[:ID_DIGITS]}")
        graph[name] = entity
        return {"@id": name}

    def file(name: str) -> dict:
        about = {"@id": f"#{name}", "@type": "CreativeWork"}
        if (path.parent / name).is_file():
            about = {"@id": name, "@type": "File"}
        return about | {"name": name, "sha256": record["sha256"][name]}

    def action(job: dict) -> dict:
        code = [
            {"@type": "SoftwareSourceCode", "name": name, "sha256": digest}
            for name, digest in job["code"].items()
        ]
        program = {term: job[key] for term, key in PROGRAM.items()}
        return {
            "@type": "CreateAction",
            "name": job["rule"],
            "instrument": {"@type": "SoftwareApplication", **program, "hasPart": code},
            "object": [*map(file, job["inputs"]), *(_told(key, job[key]) for key in TOLD)],
            "result": list(map(file, job["outputs"])),
        }

    files = list(map(file, record["sha256"]))
    flat(files)
    day = git("show", "-s", "--format=%cs")
    about = {"name": record["study"], "mentions": list(map(action, record["jobs"]))}
    about["datePublished"] = day.decode().strip() if day else date.today().isoformat()
    about["hasPart"] = [own for own in files if own["@type"] == "File"]
    about["additionalProperty"] = [
        _told("machine", record["machine"]),
        {"@id": "#config", **_told("config", as_argument(record["config"]))},
    ]
    metadata = {"@id": NAME, "@type": "CreativeWork", "about": flat(ROOT | about)}
    lines = [*graph.values(), metadata | {"conformsTo": {"@id": CRATE}}]
    text = ",\n".join(map(json.dumps, lines))  # an entity a line, for `git diff`
    with atomic(path) as part:
        part.write_text(f'{{"@context": {json.dumps(CONTEXT)},\n"@graph": [\n{text}\n]}}\n')


def _told(name: str, value: object) -> dict:
    return {"@type": "PropertyValue", "name": name, "value": value}


def read(path: Path) -> dict:
    """The record of a study. Raises ValueError if it is not there or cannot be read."""
    try:
        graph = {entity["@id"]: entity for entity in json.loads(path.read_text())["@graph"]}
        return _record(graph)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the record of a finished study ({error!r})") from error


def _record(graph: dict[str, dict]) -> dict:
    def entities(of: dict, term: str) -> list[dict]:
        return [graph[entity["@id"]] for entity in of[term]]

    def values(of: dict, term: str) -> dict:
        return {own["name"]: own["value"] for own in entities(of, term) if "value" in own}

    def names(of: dict, term: str) -> list[str]:
        return [own["name"] for own in entities(of, term) if "value" not in own]

    jobs = []
    for action in entities(graph["./"], "mentions"):
        program = graph[action["instrument"]["@id"]]
        job = {key: program[term] for term, key in PROGRAM.items()} | values(action, "object")
        job["code"] = {own["name"]: own["sha256"] for own in entities(program, "hasPart")}
        job |= {"inputs": names(action, "object"), "outputs": names(action, "result")}
        jobs.append({"rule": action["name"], **job})
    hashed = [own for own in graph.values() if "sha256" in own]
    files = [own for own in hashed if own["@type"] != "SoftwareSourceCode"]
    about = values(graph["./"], "additionalProperty")
    return {
        "study": graph["./"]["name"],
        "machine": about["machine"],
        "config": json.loads(about["config"]),
        "sha256": {own["name"]: own["sha256"] for own in files},
        "absent": [own["name"] for own in files if own["@type"] != "File"],
        "jobs": jobs,
    }
