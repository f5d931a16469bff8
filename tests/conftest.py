"""Tests run with every jaxtyping shape of ``mechanics`` checked at each call."""

import pytest
import torch
from jaxtyping import install_import_hook

install_import_hook("mechanics", "beartype.beartype")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
