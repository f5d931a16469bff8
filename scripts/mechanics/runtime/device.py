"""Where tensors live, chosen at run time, and how many threads work on them."""

import ctypes
import os

import torch

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # <malloc.h>


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
    _multiply_with_onednn()
    _keep_freed_memory()
    # Once a network is sure of its answers, probabilities of wrong ones lie below 1e-38, and with
    # such denormal numbers a step took up to five times as long (Intel). Set to zero they changed
    # no bit of the weights in 150 steps.
    torch.set_flush_denormal(True)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with it
    # torch.use_deterministic_algorithms says the same, and imports the compiler to tell it: 2 s.
    torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False  # a safety net that costs time
    use_cuda = name == "cuda" or (name == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if use_cuda else "cpu")


def device_name(device: torch.device) -> str:
    """The device in words, for the record of a run."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _multiply_with_onednn() -> None:
    """Let oneDNN do float32 matrix products on a CPU, if they stay float32 products.

    PyTorch gives them to MKL, which on a CPU that is not Intel's reaches 40 % of oneDNN's rate. The
    only switch that routes them to oneDNN also allows it to round to bfloat16, and whether it does
    depends on the CPU (with AMX it does): so the precision is measured, and the switch undone if
    it is not float32's.
    """
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"
    if not products_are_float32():
        torch.backends.mkldnn.matmul.fp32_precision = "ieee"


def products_are_float32() -> bool:
    """Whether matrix products, plain and batched, have float32's precision (bfloat16 has 1e-3)."""
    generator = torch.Generator().manual_seed(0)
    for n, m in ((128, 512), (512, 113), (16, 50)):
        left = torch.randn(2, 512, n, generator=generator)
        right = torch.randn(2, n, m, generator=generator)
        exact = left.double() @ right.double()
        for product in (left @ right, torch.stack([left[0] @ right[0], left[1] @ right[1]])):
            if (product - exact).abs().max() > 1e-5 * exact.abs().max():
                return False
    return True


def _keep_freed_memory() -> None:
    """Tell glibc to keep freed blocks: giving them back costs a fifth of a training step.

    Other C libraries have no such switch and need none.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, 1 << 26)
        library.mallopt(M_TRIM_THRESHOLD, 1 << 28)
