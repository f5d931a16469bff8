"""Runs made up of given checkpoints."""

import pytest
from helpers import write_checkpoints

from mechanics.training.checkpoint import Run


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """Makes the run that ``write_checkpoints`` writes, somewhere."""
    return lambda *about: Run(write_checkpoints(tmp_path_factory.mktemp("run"), *about))
