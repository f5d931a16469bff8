"""Files that are whole if they exist, and their hashes. Needs no torch: small jobs start fast."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A path to write to, renamed to ``path`` once the block has ended well and is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o644)  # safetensors writes for the owner alone
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
