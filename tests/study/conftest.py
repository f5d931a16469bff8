"""A small study and its record, made once."""

from pathlib import Path

import pytest
from recorded_study import record, write_study


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    record(folder, write_study(folder))
    return folder
