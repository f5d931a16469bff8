"""Where tensors live, chosen at run time, and how many threads work on them."""

import os

import torch


def choose_device(name: str = "auto", threads: int = 1) -> torch.device:
    """The device called ``name``; ``auto`` is CUDA where there is a GPU, else the CPU.

    Also fixes the number of CPU threads and asks for deterministic algorithms, without which a
    resumed run would not end with the same bits. Raises ValueError if ``name`` is not available.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device {name!r}: expected 'auto', 'cpu' or 'cuda'")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda': PyTorch sees no CUDA GPU here; use 'auto' or 'cpu'")
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with it
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a safety net that costs time
    use_cuda = name == "cuda" or (name == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if use_cuda else "cpu")


def device_name(device: torch.device) -> str:
    """The device in words, for the record of a run."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
