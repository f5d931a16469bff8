"""The record of a small study says what made each file."""

import json
import re

import pytest
from recorded_study import ABOUT_RUN, CONFIG, RUN, TABLE, code, job, job_of, record, write_study

from mechanics.study import crate, described
from mechanics.study.provenance import altered


def test_record_is_read_as_it_was_written_and_twice_the_same(recorded, tmp_path):
    found = crate.read(recorded / crate.NAME)
    assert found["config"] == CONFIG
    crate.write(tmp_path / crate.NAME, found)
    again = crate.read(tmp_path / crate.NAME)
    assert again == found | {"absent": [*found["sha256"]]}  # the files are not there
    record(tmp_path, write_study(tmp_path))
    assert (tmp_path / crate.NAME).read_bytes() == (recorded / crate.NAME).read_bytes()
    run, table = job_of(found, RUN), job_of(found, TABLE)
    assert (run["inputs"], table["inputs"]) == ([], [RUN])
    assert table["seeds"] == run["seeds"] == [3]
    assert (run["git_commit"], run["software"][1]) == ("0" * 40 + "-dirty", "PyTorch 2.0")
    assert table["program"] == "scripts/write_tables.py"


def test_record_is_a_process_run_crate(recorded):
    """What RO-Crate 1.1 and the profile ask for; the ids of entities are all there."""
    graph = json.loads((recorded / crate.NAME).read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    assert entities[crate.NAME]["about"] == {"@id": "./"}
    root = entities["./"]
    assert {"name", "description", "datePublished", "license", "conformsTo"} <= root.keys()
    parts = {part["@id"] for part in root["hasPart"]}
    assert parts == {name for name, own in entities.items() if own["@type"] == "File"}
    assert all((recorded / part).is_file() for part in parts)
    named = re.findall(r'{"@id": "([^"]*)"}', (recorded / crate.NAME).read_text())
    assert {*named} - entities.keys() == {crate.CRATE}
    for action in root["mentions"]:
        own = entities[action["@id"]]
        assert own["@type"] == "CreateAction"
        assert entities[own["instrument"]["@id"]]["@type"] == "SoftwareApplication"


def test_what_the_record_says_of_the_tables_is_made_of_these_alone(tmp_path):
    jobs, files = write_study(tmp_path), [*code("record_provenance"), "envs/requirements.txt"]
    read = [path for job in jobs for path in job["outputs"]]
    made = [described.README, described.PACKAGE]
    jobs.append(job("record_provenance", files, read, [crate.NAME, *made]))
    found = record(tmp_path, jobs)
    own = job_of(found, described.README)
    assert (own["inputs"], own["outputs"]) == ([TABLE], made)
    assert own["program"] == "scripts/record_provenance.py"
    assert "| `seed` |" in (tmp_path / described.README).read_text()
    assert altered(tmp_path, found) == []


@pytest.mark.parametrize(("device", "recorded"), [("auto", "A GPU, B GPU"), ("cpu", "cpu")])
def test_device_is_that_of_the_runs_wherever_it_is_recorded(tmp_path, device, recorded):
    runs = [f"runs/modular_addition/m/{seed}/run.json" for seed in (0, 1)]
    for path, name in zip(runs, ("B GPU", "A GPU"), strict=True):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(json.dumps(ABOUT_RUN | {"code_sha256": "", "device": name}))
    for name in ("analysis", "table"):
        (tmp_path / name).write_text("")
    jobs = [job("train", code("train"), [], [path], device) for path in runs]
    jobs += [job("measure", code("analyse_addition"), runs, ["analysis"], device)]
    jobs += [job("write_tables", code("write_tables"), ["analysis"], ["table"])]
    found = record(tmp_path, jobs)
    assert [job_of(found, path)["device"] for path in runs] == ["B GPU", "A GPU"]
    assert job_of(found, "analysis")["device"] == recorded
    assert job_of(found, "table")["device"] == "cpu"


def test_what_is_gone_has_no_hash_and_restored_files_keep_their_jobs_while_inputs_last(tmp_path):
    jobs, held = write_study(tmp_path), "runs/checkpoints"
    jobs[0]["outputs"].append(held)
    next(own for own in jobs if TABLE in own["outputs"])["inputs"].append(held)
    found = record(tmp_path, jobs)
    assert (found["sha256"][held], found["absent"]) == (crate.GONE, [held])
    assert held in job_of(found, TABLE)["inputs"]
    assert altered(tmp_path, found) == []
    (tmp_path / held).write_text("")
    published = record(tmp_path, jobs)
    for old in published["jobs"]:
        old.update(code={"a.py": "1"}, code_sha256="old", git_commit="abc")
    (tmp_path / held).unlink()
    crate.write(tmp_path / crate.RESTORED, published | {"machine": "elsewhere"})
    found = record(tmp_path, jobs)
    assert found == published | {"machine": "elsewhere", "absent": [held]}
    (tmp_path / held).write_text("")  # made anew: the same bytes, but by the code of today
    assert job_of(record(tmp_path, jobs), held)["git_commit"] != "abc"
    (tmp_path / held).write_text("sampled again, by another processor")
    assert job_of(record(tmp_path, jobs), TABLE)["git_commit"] == "abc"
    (tmp_path / RUN).write_text((tmp_path / RUN).read_text() + " ")  # trained again
    found = record(tmp_path, jobs)
    assert "scripts/write_tables.py" in job_of(found, TABLE)["code"]
    assert job_of(found, "figures/frequencies.png")["git_commit"] == "abc"  # of the same table
