"""Frames of ``addition.circuit``: a clock network, a network without keys, a diverged seed."""

from functools import cache

import pandas as pd
import torch
from clock_network import clock_network

from mechanics.addition import circuit
from mechanics.models import addition
from mechanics.models.transformer import Architecture, initialise

MODEL = "softmax_L1"
TABLES = ("circuit", "identities", "circles", "embedding", "neurons")


@cache
def _networks() -> list[dict[str, list[dict]]]:
    untrained = Architecture("softmax", 1, 2, 16, 8, 40, layer_norm=False)
    shapes = addition.parameter_shapes(untrained, 59)
    weights = initialise(shapes, 0.3, torch.Generator().manual_seed(0))
    weights = {name: tensor[None].double() for name, tensor in weights.items()}
    return [
        circuit.measure_network(*clock_network(59, (4, 17))),
        circuit.measure_network(weights, untrained),
    ]


def circuit_frames() -> dict[str, pd.DataFrame]:
    """Seed 0 has keys 4 and 17, seed 1 none, seed 2 diverged and has a row of nan in circuit."""
    networks = [*_networks(), {"circuit": [{"key_frequencies": ""}]}]
    frames = {}
    for table in TABLES:
        rows = [row | {"seed": s} for s, own in enumerate(networks) for row in own.get(table, [])]
        frame = circuit.frame(rows, table)
        frame.insert(0, "model", MODEL)
        frame["status"] = frame["seed"].map({0: "finished", 1: "finished", 2: "diverged"})
        frames[table] = frame
    return frames
