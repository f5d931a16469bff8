"""Tests run with every jaxtyping shape of ``mechanics`` checked at each call."""

import pytest
import torch
from jaxtyping import install_import_hook

install_import_hook("mechanics", "beartype.beartype")


@pytest.fixture(autouse=True)
def torch_as_it_was():
    """One thread, and none of the choices of ``choose_device`` left over from another test."""
    torch.set_num_threads(1)
    precision = torch.backends.mkldnn.matmul.fp32_precision
    yield
    torch.backends.mkldnn.matmul.fp32_precision = precision
    torch.set_deterministic_debug_mode("default")
