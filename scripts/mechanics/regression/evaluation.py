"""The risk of trained networks at every stored k, and how alike they are to every algorithm."""

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, describe_risk, squared_errors
from mechanics.models.weights import Network
from mechanics.regression.effective_weights import describe_step
from mechanics.regression.held_out import HeldOut, predict, predictor, tokens
from mechanics.regression.references import reference_answers, references_for
from mechanics.regression.sensitivity import answers, similarities

N_COMPARED = 2048  # prompts that are compared with the algorithms; the risk takes all of them
DIVERGED_RISK = 10.0  # a prompt whose error is this many times what predicting zero costs


def evaluation(networks: list[Network], held_out: HeldOut) -> dict[str, pd.DataFrame]:
    """Tables ``risk``, a row per k and seed, and ``distances``, a row per k, seed and algorithm.

    ``risk`` has Γ̂'s step size and isotropy beside the risk (``effective_weights.describe_step``),
    ``distances`` the measures of ``sensitivity.similarity`` on the first 2,048 prompts.
    """
    predictors = references_for(networks[0].settings)
    risks, distances = [], []
    for k in held_out.lengths:
        prompts, compared = held_out.prompts(k), held_out.prompts(k, N_COMPARED)
        references = reference_answers(predictors, compared)
        for network in networks:
            about = {"seed": network.seed, "k": k}
            predictions = predict(network, tokens(prompts, network))
            tail = {"diverged_share": diverged_share(predictions, prompts)}
            tail["n_prompts"] = prompts.x.shape[1]
            step = describe_step(network.weights, network.architecture, network.settings)
            risks.append({**about, **describe_risk(predictions, prompts), **tail, **step})
            own = answers(predictor(network), compared)
            distances += [
                {**about, "algorithm": name, **alike}
                for name, alike in similarities(own, references).items()
            ]
    return {"risk": pd.DataFrame(risks), "distances": pd.DataFrame(distances)}


def diverged_share(predictions: Float[Tensor, "1 prompt query"], prompts: Prompts) -> float:
    """The share of prompts whose error is ten times what predicting zero costs, or no number."""
    errors = squared_errors(predictions, prompts)[0] / prompts.x.shape[-1]
    return float((~(errors <= DIVERGED_RISK)).double().mean())
