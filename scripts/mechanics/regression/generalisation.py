"""The risk of trained networks on prompts that they were not trained on.

Longer contexts, inputs and weights of another scale, anisotropic inputs, noise, and (for a network
with d_max) other dimensions: the risk of each seed beside the law that its own weights predict,
without refit, and least squares on the same prompts.
"""

from itertools import groupby

import pandas as pd

from mechanics.models.prompts import Prompts, describe_risk, embed
from mechanics.models.shifted_prompts import (
    INDEX,
    REPLICA,
    base_draws,
    shifted_prompts,
    shifted_subspaces,
    shifts,
)
from mechanics.models.transformer import token_d
from mechanics.models.weights import Network
from mechanics.regression.algorithms import ordinary_least_squares
from mechanics.regression.held_out import HeldOut, predict
from mechanics.regression.laws.shift_laws import shift_law
from mechanics.regression.laws.softmax_law import softmax_draws
from mechanics.runtime.seeds import generator

N_PROMPTS, N_QUERIES = 8192, 8
N_PROMPTS_EMBEDDED = 1024  # the first of them: an embedded token is a hundred times as expensive


def generalisation(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """One row per shift, value, k and seed. Prompts are drawn anew, not held out."""
    settings = networks[0].settings
    n_prompts = N_PROMPTS if settings["d_model"] == "token" else N_PROMPTS_EMBEDDED
    all_shifts = shifts(settings)
    longest = max(shift.k for shift in all_shifts)
    random = generator("evaluation", REPLICA, INDEX["softmax_law"])
    draws = softmax_draws(settings["d"], longest, N_PROMPTS, random)
    rows = []
    for name, group in groupby(all_shifts, key=lambda shift: shift.name):
        own = list(group)
        arm = settings["subspace"] if name == "dimension" else "trained"
        base = base_draws(own, N_PROMPTS, N_QUERIES)[:n_prompts]
        for shift in own:
            prompts = shifted_prompts(shift, base, N_QUERIES)
            exact = ordinary_least_squares(prompts).double()
            ols = describe_risk(exact, prompts, shift.power)["risk"]
            read = as_tokens(prompts, token_d(settings), arm).to(held_out.device)
            about = {"arm": arm, "shift": name, "value": shift.value, "k": shift.k, "d": shift.d}
            for network in networks:
                law, law_name = shift_law(network.weights, network.architecture, shift, arm, draws)
                found = describe_risk(predict(network, read), read, shift.power)
                beside = {"law": law, "law_name": law_name, "ols": ols, "n_prompts": n_prompts}
                rows.append({"seed": network.seed, **about, **found, **beside})
    return pd.DataFrame(rows)


def as_tokens(prompts: Prompts, d_max: int, arm: str) -> Prompts:
    """x as the network reads it: in random subspaces, or with zeros up to ``d_max``."""
    n_prompts, _, d = prompts.x.shape[1:]
    bases = shifted_subspaces(d, d_max, n_prompts) if arm == "random" else None
    return embed(prompts, d_max, bases)
