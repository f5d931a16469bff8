"""The tiny study is run once a session; each test module works on its own copy of it."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest
from tiny_study import copy_project, snakemake, succeeded


@pytest.fixture
def clone(tmp_path) -> Path:
    """A clone's worth of files, in which nothing has been run."""
    return copy_project(tmp_path)


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """The folder in which the tiny study has been run, which no test changes.

    Workers of pytest-xdist share it, whatever files each is given: the first to ask runs the study,
    who asks meanwhile waits. A study of every worker would take twice the minutes.
    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # a worker's is its own
    folder = base / "tiny_study"
    with open(base / "tiny_study.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, and when a worker dies
        if not (folder / "results/tiny/ro-crate-metadata.json").exists():  # which is made last
            succeeded(snakemake(copy_project(folder)))
    return folder


@pytest.fixture(scope="module")
def study(built, tmp_path_factory) -> Path:
    """A copy that the tests of one module may edit and run again.

    Snakemake sees no difference: its notes lie in the folder, and files keep their dates.
    """
    folder = tmp_path_factory.mktemp("clone")
    return shutil.copytree(built, folder, symlinks=True, dirs_exist_ok=True)
