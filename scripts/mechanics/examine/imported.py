"""Weights that were trained elsewhere become a model of a study: in our names, with a run.json.

What can be folded is folded, and what cannot is refused, as where they are examined. Settings that
are stated must be those of the file: p or d, and sizes.
"""

import json
import platform
from dataclasses import replace
from pathlib import Path

import torch

from mechanics.examine.network import Given, understand
from mechanics.models.weights import write_network
from mechanics.runtime.files import atomic, sha256
from mechanics.settings import ConfigError
from mechanics.study.lineage import SCRIPTS, closure, code_sha256, git_commit

# What of a file's settings is the network's. One that this project trained has others, too.
NETWORK = (
    *("task", "p", "operation", "d", "d_max", "subspace", "noise", "k_min", "k_max"),
    *("skip_connections", "standard_tokens", "attention", "n_layers", "n_heads", "d_model"),
    *("d_head", "d_mlp", "layer_norm", "init_std"),
)
STATED = ("task", "p", "d", "format", "layer_norm")
STATED += ("attention", "n_layers", "n_heads", "d_model", "d_mlp")
IMPORTED = "imported"  # the status of its one seed


def take(asked: dict, weights: Path, output: Path) -> None:
    """Write the file of weights, ``…/{model}/seed0.safetensors``, and run.json into ``output``.

    ``asked``: task, p or d with k_min and k_max, ``weights`` (the file), and what is stated of it.
    Raises WeightsError for a file that is not what was stated, or is not understood, ConfigError
    where there is none.
    """
    asked = {key: value for key, value in asked.items() if value is not None}
    for key in ("task", "weights"):
        if key not in asked:
            raise ConfigError(f"--settings: {key} is absent: expected task, p or d, and weights")
    source = Path(asked["weights"])
    given = Given(
        heads=asked.get("n_heads"),
        attention=asked.get("attention"),
        layer_norm=asked.get("layer_norm", False),
        **{key: asked[key] for key in ("k_min", "k_max") if key in asked},
    )
    stated = {key: asked[key] for key in STATED if asked.get(key, "auto") != "auto"}
    understood = understand(source, given, stated)
    found = understood.network
    settings = {key: found.settings[key] for key in NETWORK if key in found.settings}
    # ``weights`` in a network's settings: it was imported, and nothing follows its training
    settings |= {"weights": asked["weights"], "checkpoints_at": None}
    settings |= {key: asked[key] for key in ("measured_at",) if key in asked}
    model, seed = weights.parent.name, 0
    known = {"model": model, "seed": seed, "status": IMPORTED, "settings": settings}
    write_network(weights, replace(found.to(torch.float32), **known))
    replica = {"seed": seed, "status": IMPORTED, "last_step": found.step, "train_flops": None}
    origin = {"file": asked["weights"], "sha256": sha256(source), **understood.said}
    record = {
        "settings": settings,
        "asked": asked,
        "seeds": [seed],
        "replicas": [replica],
        "source": origin | {"kept": "as float32"},
        "device": "cpu",
        "torch": torch.__version__,
        "python": platform.python_version(),
        "git_commit": git_commit(),
        "code_sha256": code_sha256(closure(SCRIPTS / "examine.py", Path(__file__))),
    }
    with atomic(output / "run.json") as part:
        part.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for what, how in record["source"].items():
        print(f"{what}: {how}")
