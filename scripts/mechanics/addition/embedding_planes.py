"""The embedding of one addition network followed: the numbers in each key plane, as it trains.

The plane is that of the checkpoint at hand, the one spanned by W_Eᵀ cos ω_k and W_Eᵀ sin ω_k there:
in the embedding of an untrained network it already holds a faint and ragged circle, since it was
chosen for that.
"""

import pandas as pd

from mechanics.addition.embedding import circle, key_plane, number_embeddings
from mechanics.training.checkpoint import Run

COLUMNS = ["seed", "step", "frequency", "number", "x", "y"]


def embedding_planes(run: Run, seed: int, keys: list[int]) -> pd.DataFrame:
    """Coordinates [number] in the plane of each key at each checkpoint of a seed of the run.

    A checkpoint whose embedding is not finite is left out.
    """
    planes = []
    for step in run.steps(seed) if keys else []:
        W_E = run.load(seed, step)["embed.W_E"][0]
        if not W_E.isfinite().all():
            continue
        numbers = number_embeddings(W_E)
        for k in keys:
            x, y = circle(numbers, key_plane(numbers, k), k).coordinates.float().T.numpy()
            at = {"seed": seed, "step": step, "frequency": k, "number": range(len(x))}
            planes.append(pd.DataFrame({**at, "x": x, "y": y}))
    return pd.concat(planes) if planes else pd.DataFrame(columns=COLUMNS, dtype=float)
