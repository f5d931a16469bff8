"""Which code and which commit made a file.

Imports neither torch nor pandas: the Snakefile asks it for the modules that each program uses.
"""

import ast
import hashlib
import subprocess
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]


@cache
def import_closure(program: Path) -> tuple[Path, ...]:
    """A program and all modules of ``mechanics`` that it imports, directly or not, sorted."""
    found: set[Path] = set()
    waiting = [program.resolve()]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for name in _imported_names(path):
            module = SCRIPTS / Path(*name.split("."))
            waiting += [
                m for m in (module.with_suffix(".py"), module / "__init__.py") if m.exists()
            ]
    return tuple(sorted(found))


@cache
def _imported_names(path: Path) -> set[str]:
    """Dotted names under ``mechanics`` in the import statements of a file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "mechanics"}


def closure_sha256(*programs: Path) -> str:
    """One hash of programs, and modules imported by name, with all that they import."""
    digest = hashlib.sha256()
    for path in sorted({path for program in programs for path in import_closure(program)}):
        digest.update(f"{path.relative_to(SCRIPTS)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def git_commit() -> str:
    """The commit of the code, with ``-dirty`` if files differ from it, or ``unknown``.

    Unknown in a copy that is no git checkout, and on a machine without git.
    """
    command = ["git", "-C", str(SCRIPTS), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return result.stdout.strip() or "unknown"
