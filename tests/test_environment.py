"""The lock, the conda file made from it, and what is installed are one environment."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def pinned() -> list[str]:
    lines = (ROOT / "envs" / "requirements.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_everything_is_pinned_and_portable():
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!]+", line) for line in pinned())
    assert "torch==2.13.0" in pinned()


def test_conda_file_is_the_lock():
    environment = yaml.safe_load((ROOT / "envs" / "study.yaml").read_text())
    *others, pip = environment["dependencies"]
    assert pip["pip"] == pinned()
    assert "pip" in others


def test_what_is_asked_for_is_in_the_lock():
    lines = (ROOT / "envs" / "requirements.in").read_text().splitlines()
    names = {re.split("==", line)[0].lower() for line in lines if not line.startswith("#")}
    assert names <= {line.split("==")[0].lower() for line in pinned()}


@pytest.mark.parametrize(
    "name", ["torch", "snakemake", "transformer-lens", "pandas", "safetensors"]
)
def test_installed_is_the_lock(name):
    installed = version(name).split("+")[0]  # a CPU build of torch calls itself 2.13.0+cpu
    assert f"{name}=={installed}" in pinned()
