"""Every layer of deep regression networks, read: how many steps of an algorithm is it worth?"""

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts
from mechanics.models.weights import Network
from mechanics.regression.held_out import HeldOut, tokens, untrained
from mechanics.regression.layer_readout import (
    equivalent_steps,
    fit_probe,
    gradient_descent_risks,
    named_algorithms,
    nearest_algorithm,
    newton_risks,
    probe_predictions,
    query_streams,
    risk_of,
)

N_PROMPTS = 4096  # of the held-out ones, at each k: half to fit, half to judge


def layers(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """A row per seed, trained or not, k and layer (0: before the first).

    Half of the prompts fit a linear probe per layer, the other half judge it: the probe's risk with
    its standard error, and the steps of gradient descent (best step sizes at this k) and of
    Newton's iteration of equal risk: inf where more than 20 (12) steps are needed, nan where no
    step is better. The same, ending in _lens, for the network's own read-out applied early, which
    after the last layer is the network itself. ``nearest_algorithm`` is the one whose predictions
    are nearest to the probe's.

    Raises ValueError for networks of one layer: nothing lies between token and prediction.
    """
    settings = networks[0].settings
    if settings["n_layers"] < 2:
        raise ValueError("a network of one layer has no layers to tell apart")
    rows = []
    for k in settings["measured_at"]:
        prompts = held_out.prompts(k, N_PROMPTS)
        half = prompts.x.shape[1] // 2
        fit, judge = prompts.part(slice(half)), prompts.part(slice(half, None))
        algorithms = named_algorithms(judge)
        risks_by_steps = {
            "gd_steps": gradient_descent_risks(settings["d"], k),
            "newton_steps": newton_risks(judge),
        }
        for network in networks:
            for trained in (True, False):
                own = network if trained else untrained(network)
                streams, lenses = query_streams(own.weights, tokens(prompts, own), own.architecture)
                for layer, (stream, lens) in enumerate(zip(streams, lenses, strict=True)):
                    predictions = probe_predictions(
                        stream[half:], fit_probe(stream[:half], fit.y_test[0])
                    )
                    rows.append(
                        {"seed": network.seed, "trained": trained, "k": k, "layer": layer}
                        | describe(predictions, lens[half:], judge, risks_by_steps, algorithms)
                    )
    return pd.DataFrame(rows)


def describe(
    predictions: Float[Tensor, "prompt query"],
    lens: Float[Tensor, "prompt query"],
    prompts: Prompts,
    risks_by_steps: dict[str, list[float]],
    algorithms: dict[str, Float[Tensor, "prompt query"]],
) -> dict:
    """One layer's probe and early read-out: their risks, steps of equal risk, nearest algorithm."""
    risk, error = risk_of(predictions, prompts)
    risk_lens, _ = risk_of(lens, prompts)
    name, distance = nearest_algorithm(predictions, algorithms)
    return {
        "risk": risk,
        "risk_se": error,
        **{steps: equivalent_steps(risk, risks) for steps, risks in risks_by_steps.items()},
        "risk_lens": risk_lens,
        **{f"{s}_lens": equivalent_steps(risk_lens, risks) for s, risks in risks_by_steps.items()},
        "nearest_algorithm": name,
        "nearest_preds_diff": distance,
        "n_prompts": prompts.x.shape[1],
    }
