"""What an artefact was made from, in short: hashes of code and inputs, and the id in its metadata.

Kept apart from ``provenance``, which every training imports.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from mechanics.runtime.files import sha256
from mechanics.settings import as_argument
from mechanics.study.provenance import SCRIPTS, import_closure

ROOT = SCRIPTS.parent
ID_DIGITS = 12
RESTORED = "restored.json"  # in a study's folder: the published provenance of what was restored


def from_here(path: Path) -> str:
    """A file of the project: relative, if it lies in the working directory, or else absolute."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def closure(*sources: Path) -> list[Path]:
    """Programs and modules with all they import from ``mechanics``; other files as they are."""
    found = set()
    for source in sources:
        found |= set(import_closure(source)) if source.suffix == ".py" else {source.resolve()}
    return sorted(found)


def code_sha256(files: Iterable[Path]) -> str:
    """One hash of files of code, whatever folder the project lies in.

    Of the closure of a single program it is ``provenance.closure_sha256``.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(file).resolve() for file in files):
        name = Path(os.path.relpath(path, SCRIPTS)).as_posix()
        digest.update(f"{name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def settings_sha256(settings: object) -> str:
    """Hash of a slice of the config, whatever the order of its keys."""
    return hashlib.sha256(as_argument(settings).encode()).hexdigest()


def id_of(input_hashes: Iterable[str], code_hash: str) -> str:
    """The short id of what is made by this code from inputs with these hashes, in any order."""
    text = "\n".join([*sorted(input_hashes), code_hash])
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def short_id(inputs: Iterable[Path], program: Path, *sources: Path) -> str:
    """The short id of what ``program`` makes of ``inputs``: 12 hexadecimal digits.

    ``sources``: modules that it imports by name at run time, and other files in which the project
    says what is made (a template). ``make verify`` computes it again from the provenance.
    """
    return id_of(map(sha256, inputs), code_sha256(closure(program, *sources)))
