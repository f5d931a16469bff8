"""What made a file, in short: the hash of its code, the commit, and the id in its metadata.

Imports neither torch nor pandas: the Snakefile asks it for the modules that each program uses.
"""

import ast
import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from mechanics.runtime.files import sha256
from mechanics.settings import as_argument

SCRIPTS = Path(__file__).resolve().parents[2]
ROOT = SCRIPTS.parent
LOCK = "envs/requirements.txt"
ID_DIGITS = 12


def from_here(path: Path) -> str:
    """A file of the project: relative, if it lies in the working directory, or else absolute."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def closure(*sources: Path) -> list[Path]:
    """Programs and modules with all they import from ``mechanics``; other files as they are."""
    found: set[Path] = set()
    waiting = [source.resolve() for source in sources]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path) if path.suffix == ".py" else ()
    return sorted(found)


@cache
def _imported(path: Path) -> list[Path]:
    """The modules of ``mechanics`` in the import statements of a file."""
    names: set[str] = set()
    for node in _statements(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    places = [SCRIPTS.joinpath(*name.split(".")) for name in names if name.startswith("mechanics.")]
    modules = [m for p in places for m in (p.with_suffix(".py"), p / "__init__.py")]
    return [module for module in modules if module.exists()]


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement of a module; ``ast.walk`` visits ten times as many nodes, their parts."""
    waiting = [tree]
    while waiting:
        yield (node := waiting.pop())
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(node, part, ())


def code_sha256(files: Iterable[Path]) -> str:
    """One hash of files of code, whatever folder the project lies in."""
    digest = hashlib.sha256()
    for path in sorted(Path(file).resolve() for file in files):
        name = Path(os.path.relpath(path, SCRIPTS)).as_posix()
        digest.update(f"{name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def value_sha256(value: object) -> str:
    """Hash of a slice of the config, or of another value, whatever the order of its keys."""
    return hashlib.sha256(as_argument(value).encode()).hexdigest()


def git(*words: str) -> bytes | None:
    """What git says in the project's folder; None if it fails, or if there is none."""
    try:
        result = _run_git(*words)
    except OSError:
        return None
    return result.stdout if result.returncode == 0 else None


def _run_git(*words: str) -> subprocess.CompletedProcess:
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, check=False)


def git_commit() -> str:
    """The commit of the code, with ``-dirty`` if files differ from it, or ``unknown``.

    A repository around the project that does not hold it knows nothing of it.
    """
    if git("ls-files", "--error-unmatch", "scripts/train.py") is None:
        return "unknown"
    said = git("describe", "--always", "--dirty", "--abbrev=40")
    return said.decode().strip() if said else "unknown"


def why_no_history() -> str:
    """Why git may know no older code, and what helps; nothing if it has all of its history."""
    try:
        asked = _run_git("rev-parse", "--is-shallow-repository")
    except OSError:
        return "there is no git here: install it"
    if b"dubious ownership" in asked.stderr:
        return (
            f"git refuses a folder of another user: git config --global --add safe.directory {ROOT}"
        )
    if asked.returncode or git("ls-files", "--error-unmatch", "scripts/train.py") is None:
        return "this is no git clone (a ZIP or tarball has no history): clone the project"
    return "the clone is shallow: git fetch --unshallow" if b"true" in asked.stdout else ""


def id_of(input_hashes: Iterable[str], code_hash: str) -> str:
    """The short id of what is made by this code from inputs with these hashes, in any order."""
    text = "\n".join([*sorted(input_hashes), code_hash])
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def short_id(inputs: Iterable[Path], program: Path, *sources: Path) -> str:
    """The short id of what ``program`` makes of ``inputs``: 12 hexadecimal digits.

    ``sources``: modules that it imports by name at run time, and other files in which the project
    says what is made (a template). ``make verify`` computes it again from the record.
    """
    return id_of(map(sha256, inputs), code_sha256(closure(program, *sources)))
