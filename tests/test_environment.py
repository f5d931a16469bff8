"""The lock, the conda file made from it, and what is installed are one environment."""

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PROGRAMS = [*(ROOT / "scripts").rglob("*.py"), *(ROOT / "workflow/notebooks").rglob("*.py")]


def pinned() -> list[str]:
    lines = (ROOT / "envs" / "requirements.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def asked_for(text: str) -> set[str]:
    return {line.split("==")[0].lower() for line in text.splitlines() if not line.startswith("#")}


def test_everything_asked_for_is_pinned_and_portable_and_the_conda_file_is_the_lock():
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!]+", line) for line in pinned())
    assert "torch==2.13.0" in pinned()
    names = asked_for((ROOT / "envs" / "requirements.in").read_text())
    assert names <= {line.split("==")[0].lower() for line in pinned()}
    environment = yaml.safe_load((ROOT / "envs" / "study.yaml").read_text())
    *others, pip = environment["dependencies"]
    assert pip["pip"] == pinned()
    assert "pip" in others


def test_installed_is_the_lock():
    for name in ("torch", "snakemake", "transformer-lens", "pandas", "safetensors"):
        installed = version(name).split("+")[0]  # a CPU build of torch calls itself 2.13.0+cpu
        assert f"{name}=={installed}" in pinned()


@cache
def trees() -> dict[str, ast.AST]:
    return {str(p.relative_to(ROOT)): ast.parse(p.read_text("utf-8")) for p in PROGRAMS}


def test_what_is_imported_is_asked_for_among_what_users_need():
    text = (ROOT / "envs" / "requirements.in").read_text("utf-8")
    asked = asked_for(text.split("# For dev")[0])
    own = {path.stem for path in PROGRAMS} | {"mechanics"} | sys.stdlib_module_names
    names = set()
    for node in (node for tree in trees().values() for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    packages = packages_distributions()
    found = {name: {package.lower() for package in packages[name]} for name in names - own}
    assert {name for name, ways in found.items() if not ways & asked} == set()


def test_text_is_read_and_written_as_utf_8_in_every_locale():
    wanted = {"read_text": 0, "write_text": 1}  # the place of the encoding
    found = [
        f"{file}:{node.lineno}"
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in wanted and len(node.args) <= wanted[node.func.attr]
        if "encoding" not in [keyword.arg for keyword in node.keywords]
    ]
    assert found == []
