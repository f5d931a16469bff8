"""The embedding of one addition run followed: the numbers in each key plane, at every checkpoint.

Key frequencies are those of the seed's last checkpoint. The plane is that of the checkpoint at
hand, the one spanned by W_Eᵀ cos ω_k and W_Eᵀ sin ω_k there: in the embedding of an untrained
network it already holds a faint and ragged circle, since it was chosen for that.
"""

import pandas as pd

from mechanics.addition.embedding import circle, key_plane, number_embeddings
from mechanics.training.checkpoint import Run

PLANES = ["seed", "step", "frequency", "number", "x", "y"]
CIRCLES = ["seed", "step", "frequency", "radius_cv", "eigenvalue_ratio", "angle_r_squared"]
CIRCLES += ["purity", "fve"]


def trace(run: Run, keys: dict[int, list[int]]) -> dict[str, pd.DataFrame]:
    """``embedding_planes``, coordinates [number] in each key plane at each checkpoint, and
    ``embedding_trace``, how circular they are.

    A checkpoint whose embedding is not finite is left out; a seed without keys has no rows.
    """
    planes, circles = [], []
    for seed in run.seeds:
        for step in run.steps(seed) if keys[seed] else []:
            W_E = run.load(seed, step)["embed.W_E"][0]
            if not W_E.isfinite().all():
                continue
            numbers = number_embeddings(W_E)
            for k in keys[seed]:
                found = circle(numbers, key_plane(numbers, k), k)
                at = {"seed": seed, "step": step, "frequency": k}
                x, y = found.coordinates.float().T.numpy()
                planes.append(pd.DataFrame({**at, "number": range(len(x)), "x": x, "y": y}))
                circles.append({**at, **vars(found)})
    coordinates = pd.concat(planes) if planes else pd.DataFrame(columns=PLANES, dtype=float)
    circular = pd.DataFrame(circles, columns=CIRCLES)
    return {"embedding_planes": coordinates, "embedding_trace": circular}
