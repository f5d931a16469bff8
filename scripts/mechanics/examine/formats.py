"""Files of weights that others have written, in the names and shapes of TransformerLens 3.

Those are ours, with biases of attention and unembedding. A family of names is one function.
"""

import json
import pickle
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

Tensors = dict[str, Tensor]
NESTED = ("model", "state_dict", "model_state_dict", "weights")  # where a checkpoint keeps weights
FAMILIES = {
    "lens3": "TransformerLens 3 (HookedTransformer), or this project",
    "lens4": "TransformerLens 4 (TransformerBridge)",
    "nanda": "Nanda et al. 2023 (progress-measures-paper)",
}
LENS, BRIDGE = "blocks.0.attn.W_Q", "blocks.0.attn.q.weight"  # names that tell 3 from 4


class WeightsError(Exception):
    """Weights that cannot be examined. The message says where, and what was expected."""


def read_file(path: Path) -> tuple[Tensors, dict]:
    """The tensors of a safetensors or PyTorch file, and what this project wrote beside them, if so.

    No code in the file is run. Raises WeightsError if it cannot be read, or holds no tensors.
    """
    if not path.is_file() or not path.stat().st_size:
        what = "is empty" if path.is_file() else "is a folder" if path.is_dir() else "no such file"
        raise WeightsError(f"{path}: {what}: expected a file of weights")
    with open(path, "rb") as file:
        is_safetensors = file.read(9)[8:] == b"{"
    try:
        if is_safetensors:
            with safe_open(path, "pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                written = (file.metadata() or {}).get("json", "{}")
        else:
            tensors, written = torch.load(path, map_location="cpu", weights_only=True), "{}"
    except pickle.UnpicklingError as error:
        what = "holds no weights: expected safetensors, or torch.save(model.state_dict())"
        if "Unsupported global" in str(error) or "Unsupported class" in str(error):
            what = "holds pickled code, which is not run: expected torch.save(model.state_dict())"
        raise WeightsError(f"{path}: {what}") from error
    except Exception as error:  # garbage fails inside the unpickler in any way there is
        first = str(error).partition("\n")[0] or type(error).__name__
        raise WeightsError(f"{path}: cannot be read as weights ({first})") from error
    inside = [tensors[key] for key in NESTED if isinstance(tensors, dict) and key in tensors]
    tensors = next((own for own in inside if isinstance(own, dict)), tensors)
    if not isinstance(tensors, dict) or not tensors:
        raise WeightsError(f"{path}: holds no tensors with names")
    tensors = {
        str(k).removeprefix("_orig_mod.").removeprefix("module."): v for k, v in tensors.items()
    }
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            kind = type(tensor).__name__
            raise WeightsError(f"{path}: {name} is of type {kind}: expected tensors alone")
        if tensor.is_complex() or tensor.is_quantized or tensor.is_meta or tensor.is_sparse:
            kind = f"{str(tensor.dtype).removeprefix('torch.')} on {tensor.device}"
            raise WeightsError(
                f"{path}: {name} has {kind}, {tensor.layout}: expected real numbers, stored densely"
            )
        if not _is_buffer(name) and not tensor.double().isfinite().all():
            raise WeightsError(f"{path}: {name} has values that are no finite numbers")
    return tensors, _about(written)


def _about(written: str) -> dict:
    """What this project wrote beside weights; nothing where others wrote something else."""
    try:
        about = json.loads(written)
    except ValueError:
        return {}
    known = isinstance(about, dict) and isinstance(about.get("settings", {}), dict)
    return about if known else {}


def _is_buffer(name: str) -> bool:
    """What a model keeps beside its weights: TransformerLens's causal mask, and −inf."""
    return name.endswith((".mask", ".IGNORE"))


def in_our_names(tensors: Tensors, n_heads: int | None) -> tuple[Tensors, str]:
    """The same weights under TransformerLens 3's names, in float64, and their family.

    Raises WeightsError for names of no known family, for a matrix that is none, and where the
    shapes do not tell the number of heads and it is not given, or does not divide them.
    """
    exact = {n: t.double() for n, t in tensors.items() if not _is_buffer(n)}
    exact = {n.replace("._original_component", ""): t for n, t in exact.items()}
    for name, tensor in exact.items():
        possible = (2, 3) if ".attn." in name else (2,)  # with a dimension of heads
        if ".W_" in name and tensor.dim() not in possible:
            raise WeightsError(f"{name}: {tuple(tensor.shape)}: expected a matrix")
    if BRIDGE in exact:
        if n_heads is None:
            words = "shapes do not tell the heads; give --heads, or n_heads in a study"
            raise WeightsError(f"TransformerLens 4: {words}")
        return bridge(exact, n_heads), "lens4"
    if LENS not in exact:
        nanogpt = "c_attn" in " ".join(exact)
        why = "nanoGPT's MLP has GELU, which our block has not" if nanogpt else "no known family"
        raise WeightsError(f"{next(iter(exact))}: {why}: expected {LENS} or {BRIDGE}")
    W_O = exact.get(LENS.replace("W_Q", "W_O"))
    # Nanda's W_Q is (head, d_head, d_model), and W_O (d_model, head · d_head).
    if W_O is not None and W_O.dim() == 2 and len(W_O) == exact[LENS].shape[-1]:
        return nanda(exact), "nanda"
    return exact, "lens3"


def nanda(tensors: Tensors) -> Tensors:
    """The saved runs of Nanda et al. 2023: matrices act from the left, and heads share W_O."""
    ours = dict(tensors)
    for name, tensor in tensors.items():
        if name.endswith(("W_Q", "W_K", "W_V", "embed.W_E", "mlp.W_in", "mlp.W_out")):
            ours[name] = tensor.mT
        elif name.endswith("attn.W_O"):
            n_heads = len(tensors.get(name.replace("W_O", "W_Q"), tensors[LENS]))
            ours[name] = tensor.T.unflatten(0, (n_heads, -1))
    return ours


def bridge(tensors: Tensors, n_heads: int) -> Tensors:
    """TransformerLens 4's names, under which each matrix is a ``torch.nn.Linear``'s.

    Raises WeightsError for a matrix that is none, and where the heads do not divide it.
    """
    ours = {}
    for name, tensor in tensors.items():
        if "." not in name:
            raise WeightsError(f"{name}: no known place: expected names such as {BRIDGE}")
        *above, part, kind = name.split(".")
        letter, place, is_matrix = "bW"[kind == "weight"], ".".join(above), kind == "weight"
        found = f"{name}: {tuple(tensor.shape)}"
        if tensor.dim() != 1 + (is_matrix and not part.startswith("ln")):
            raise WeightsError(f"{found}: expected a {'matrix' if is_matrix else 'vector'}")
        if above and above[-1] == "attn":
            size = tensor.shape[-1] if part == "o" else len(tensor)  # heads · d_head
            if n_heads < 1 or (is_matrix and size % n_heads):
                raise WeightsError(f"{found}: expected a multiple of the heads, {n_heads}")
            own = tensor.T if is_matrix and part == "o" else tensor
            own = own if kind == "bias" and part == "o" else own.unflatten(0, (n_heads, -1))
            ours[f"{place}.{letter}_{part.upper()}"] = own.mT if is_matrix and part != "o" else own
        elif above and above[-1] == "mlp":
            ours[f"{place}.{letter}_{part}"] = tensor.T if is_matrix else tensor
        elif part == "unembed":
            ours[f"unembed.{letter}_U"] = tensor.T if is_matrix else tensor
        elif part in ("embed", "pos_embed"):
            ours[f"{part}.W_{'E' if part == 'embed' else 'pos'}"] = tensor
        else:  # LayerNorm
            ours[".".join([*above, part, letter.lower()])] = tensor
    return ours
