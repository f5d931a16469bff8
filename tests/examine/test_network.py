"""Weights under others' names, with others' biases, are read as the same function, or refused."""

import json

import pytest
import torch
from safetensors.torch import save_file

from mechanics.addition.pairs import all_pairs
from mechanics.examine.formats import WeightsError
from mechanics.examine.network import Given, understand
from mechanics.models import addition
from mechanics.models.transformer import Architecture

P, D, H, M = 7, 8, 2, 12  # p, d_model, heads, d_mlp


def hooked(n_layers=1, biases=True, norms=False) -> dict[str, torch.Tensor]:
    """A random network with all that a HookedTransformer of version 3 has."""
    draw = torch.Generator().manual_seed(0)
    ours = Architecture("softmax", n_layers, H, D, D // H, M, norms)
    shapes = addition.parameter_shapes(ours, P) | {"unembed.b_U": (P,)}
    for attn in (f"blocks.{layer}.attn" for layer in range(n_layers)):
        shapes |= {f"{attn}.b_{q}": (H, D // H) for q in "QKV"} | {f"{attn}.b_O": (D,)}
    own = {n: torch.randn(s, generator=draw, dtype=torch.float64) for n, s in shapes.items()}
    if not biases:
        own |= {n: t * 0 for n, t in own.items() if ".attn.b_" in n or n == "unembed.b_U"}
    return own


def logits_of(weights: dict[str, torch.Tensor], n_layers=1) -> torch.Tensor:
    """The logits at "=" of all pairs, written down as a Transformer is in a textbook."""
    pairs = torch.nn.functional.pad(all_pairs(P), (0, 1), value=P)
    x = weights["embed.W_E"][pairs] + weights["pos_embed.W_pos"]

    def norm(x, name):
        if f"{name}.w" not in weights:
            return x
        own = (weights[f"{name}.w"], weights[f"{name}.b"])
        return torch.nn.functional.layer_norm(x, (D,), *own, eps=1e-5)

    for layer in range(n_layers):
        w = {n.split(f"blocks.{layer}.")[1]: t for n, t in weights.items() if f".{layer}." in n}
        z = norm(x, f"blocks.{layer}.ln1")
        q, k, v = (
            torch.einsum("nsd,hde->nhse", z, w[f"attn.W_{c}"]) + w[f"attn.b_{c}"][:, None]
            for c in "QKV"
        )
        scores = (q @ k.mT / (D // H) ** 0.5).masked_fill(~torch.ones(3, 3).tril().bool(), -1e9)
        x = x + torch.einsum("nhse,hed->nsd", scores.softmax(-1) @ v, w["attn.W_O"])
        x = x + w["attn.b_O"]
        z = norm(x, f"blocks.{layer}.ln2")
        x = x + (z @ w["mlp.W_in"] + w["mlp.b_in"]).relu() @ w["mlp.W_out"] + w["mlp.b_out"]
    return norm(x, "ln_final")[:, -1] @ weights["unembed.W_U"] + weights["unembed.b_U"]


def as_bridge(own: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """TransformerLens's own conversion, to the names of its version 4."""
    from transformer_lens.config import TransformerBridgeConfig  # noqa: PLC0415 (seconds)
    from transformer_lens.utilities import tl_checkpoint_conversion  # noqa: PLC0415

    sizes = {"n_layers": 1, "n_heads": H, "d_model": D, "d_head": D // H, "n_ctx": 3, "d_mlp": M}
    config = TransformerBridgeConfig(**sizes, d_vocab=P + 1, act_fn="relu")
    return tl_checkpoint_conversion.convert_tl_checkpoint(own, config)


def as_nanda(own: dict[str, torch.Tensor]) -> dict:
    """The saved runs of Nanda et al. 2023: no biases in attention, matrices act from the left."""
    ours = {n: t for n, t in own.items() if ".attn.b_" not in n and n != "unembed.b_U"}
    for name, tensor in ours.items():
        if name.endswith("attn.W_O"):
            ours[name] = tensor.flatten(0, 1).T
        elif (name.startswith("blocks") and ".W_" in name) or name == "embed.W_E":
            ours[name] = tensor.mT
    W_U = ours["unembed.W_U"]
    ours["unembed.W_U"] = torch.cat([W_U, torch.ones_like(W_U[:, :1])], dim=1)  # "=", never right
    ours["blocks.0.attn.mask"] = torch.ones(3, 3).tril()
    return {"model": ours, "epoch": 1, "train_loss": 0.1}


def read(tmp_path, content, **given):
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    return understand(path, Given(**given))


def logits_read(understood) -> torch.Tensor:
    network = understood.network
    return addition.forward(network.weights, all_pairs(P)[None], network.architecture)[0]


def test_biases_are_folded_exactly(tmp_path):
    own = hooked(n_layers=2)
    found = read(tmp_path, own | {"blocks.0.attn.IGNORE": torch.tensor(-torch.inf)})
    torch.testing.assert_close(logits_read(found), logits_of(own, n_layers=2))
    assert {"blocks.0.attn.b_Q", "unembed.b_U"} <= {*found.said["folded"].split(", ")}


def test_every_family_of_names_is_the_same_network(tmp_path):
    plain, normed = hooked(biases=False), hooked(biases=False, norms=True)
    for own, found in (
        (plain, read(tmp_path, as_nanda(plain))),
        (normed, read(tmp_path, as_bridge(normed), heads=H)),
    ):
        torch.testing.assert_close(logits_read(found), logits_of(own))


def test_few_bits_in_safetensors_are_read_and_told(tmp_path):
    path = tmp_path / "half.safetensors"
    for dtype in (torch.float16, torch.bfloat16, torch.float8_e4m3fn):
        save_file({n: t.to(dtype) for n, t in hooked(biases=False).items()}, path)
        numbers = understand(path, Given()).said["numbers"]
        assert numbers == f"{str(dtype).removeprefix('torch.')}, read as float64"


def damaged(**changes) -> dict[str, torch.Tensor]:
    own = hooked(biases=False) | {n.replace("__", "."): t for n, t in changes.items()}
    return {name: tensor for name, tensor in own.items() if tensor is not None}


NAMES = {
    "bias with LayerNorm": (hooked(norms=True), "attn.b_[VOQ]: not zero, .*LayerNorm"),
    "extra": (damaged(blocks__0__attn__rotary=torch.ones(3)), "attn.rotary: not zero"),
    "missing": (damaged(blocks__0__attn__W_V=None), r"W_V: absent: expected \(2, 8, 4\)"),
    "shape": (damaged(pos_embed__W_pos=torch.ones(2, D)), r"W_pos: \(2, 8\): expected \(3, 8\)"),
    "NaN": (damaged(unembed__W_U=torch.full((D, P), torch.nan)), "W_U has values that are no"),
    "p": (damaged(embed__W_E=torch.ones(10, D)), "embed.W_E: 10 tokens: expected .*odd prime"),
    "names": ({"fc.weight": torch.ones(2, 2)}, "fc.weight: no known family: expected .*W_Q"),
    "nanoGPT": ({"transformer.h.0.attn.c_attn.weight": torch.ones(3, 1)}, "nanoGPT's MLP has GELU"),
    "attention": ({"blocks.0.attn.W_Q": torch.ones(1, 4, 4)}, "give --attention"),
    "no tensors": ([1, 2], "holds no tensors with names"),
    "other things": ({"a": 1}, "a is of type int: expected tensors alone"),
    "complex": (
        damaged(embed__W_E=torch.ones(P + 1, D) * 1j),
        "W_E has complex64 .*: expected real",
    ),
    "sparse": (damaged(embed__W_E=torch.eye(P + 1).to_sparse()), "W_E has .*expected .* densely"),
    "meta": (damaged(embed__W_E=torch.ones(2, device="meta")), "W_E has float32 on meta"),
    "one dimension": (damaged(embed__W_E=torch.ones(P + 1, 1)), "W_E: d_model 1: expected 2 or"),
    "no embedding": (damaged(embed__W_E=None), r"embed.W_E: absent: expected \(p \+ 1, d_model\)"),
    "tensor": (damaged(embed__W_E=torch.ones(1, P + 1, D)), r"W_E: \(1, 8, 8\): expected a matrix"),
    "flat W_O": (damaged(blocks__0__attn__W_O=torch.ones(3, 5)), r"W_O: \(3, 5\): expected \(2, 4"),
}


@pytest.mark.parametrize("case", NAMES)
def test_what_is_no_network_of_ours_is_refused_by_name(tmp_path, case):
    content, message = NAMES[case]
    with pytest.raises(WeightsError, match=f"weights.pth: .*{message}"):
        read(tmp_path, content)


def test_an_option_that_is_not_the_files_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="n_heads = 2: expected 3, as is given"):
        read(tmp_path, hooked(biases=False), heads=3)
    of_regression = {"blocks.0.attn.W_Q": torch.ones(1, 4, 4)}
    with pytest.raises(WeightsError, match="expected no --operation"):
        read(tmp_path, of_regression, operation="multiply", attention="linear")


@pytest.mark.parametrize("n_heads", [3, 0, -2, None])
def test_heads_are_asked_for_and_must_divide_the_matrices_of_attention(tmp_path, n_heads):
    message = f"attn.*: expected a multiple of the heads, {n_heads}"
    if n_heads is None:
        message = "shapes do not tell the heads; give --heads"
    with pytest.raises(WeightsError, match=message):
        read(tmp_path, as_bridge(hooked(biases=False)), heads=n_heads)


def test_what_was_recorded_is_refused_where_it_is_not_the_files(tmp_path):
    path, own = tmp_path / "ours.safetensors", hooked(biases=False)

    def recorded(about) -> dict:
        save_file(own, path, metadata={"json": json.dumps(about)})
        return understand(path, Given(attention="linear")).network.settings

    assert recorded([1])["attention"] == "linear"  # others' metadata
    save_file(own, path, metadata={"json": "theirs"})
    assert understand(path, Given()).said["numbers"].startswith("float64")
    wrong = {"task": "x", "operation": "divide", "attention": "cosine", "n_layers": "1", "p": 11}
    for key, value in wrong.items():
        with pytest.raises(WeightsError, match=f"{key} = {value!r} in its metadata: expected"):
            recorded({"settings": {key: value}})
    with pytest.raises(WeightsError, match="attention = softmax: expected linear, as is given"):
        recorded({"settings": {"attention": "softmax"}})


def test_code_and_garbage_are_told_apart(tmp_path):
    with pytest.raises(WeightsError, match="pickled code, which is not run"):
        read(tmp_path, torch.nn.Linear(2, 2))
    path = tmp_path / "text.pth"
    for text, message in {
        "no weights at all": "holds no weights: expected safetensors",
        "a,b\n1,2\n": "text.pth: cannot be read as weights",  # bytes that stop the unpickler
        "": "is empty",
    }.items():
        path.write_text(text)
        with pytest.raises(WeightsError, match=message):
            understand(path, Given())
    torch.save(hooked(), path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(WeightsError, match="text.pth: cannot be read as weights"):
        understand(path, Given())
    for missing, message in (("nothing", "no such file"), (".", "is a folder")):
        with pytest.raises(WeightsError, match=message):
            understand(tmp_path / missing, Given())
