"""The risk of trained networks at every stored k, and how alike they are to every algorithm.

The prompts are the same for all networks, so that what chance there is in them moves all risks
alike. Where a law is exact it takes their place (``exact_risk``); elsewhere the gradient
steps whose risk is exact, on the same prompts, say how hard these prompts are.
"""

from functools import partial

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, controlled_mean, describe_risk, squared_errors
from mechanics.models.weights import Network
from mechanics.regression.algorithms import gradient_descent, mirrored
from mechanics.regression.effective_weights import describe_step, exact_risk, has_exact_risk
from mechanics.regression.held_out import HeldOut, errors, predict, predictor
from mechanics.regression.laws.depth import gradient_descent_risk
from mechanics.regression.laws.spectrum import expected_spectrum
from mechanics.regression.references import MIRRORED, references_for, tuned_step_sizes

N_COMPARED = 2048  # prompts that are compared with the algorithms; the risk takes all of them
DIVERGED_RISK = 10.0  # a prompt whose error is this many times what predicting zero costs


def evaluation(networks: list[Network], held_out: HeldOut) -> dict[str, pd.DataFrame]:
    """Tables ``risk``, a row per k and seed, and ``distances``, a row per k, seed and algorithm.

    ``preds_diff`` is that of von Oswald et al. 2023. Of an algorithm and its mirror image the
    nearer one counts: which of the two a training ends with is chance.
    """
    settings, risks, distances = networks[0].settings, [], []
    algorithms = references_for(settings)
    images = {name: [own] for name, own in algorithms.items()}
    images |= {name: [algorithms[name], mirrored(algorithms[name])] for name in MIRRORED}
    for k in held_out.lengths:
        prompts = held_out.prompts(k)
        compared = prompts.part(slice(N_COMPARED))
        references = {n: [predict(own, compared) for own in both] for n, both in images.items()}
        control = control_errors(prompts, settings["n_layers"], held_out.noise)
        for network in networks:
            about = {"seed": network.seed, "k": k}
            predictions = predict(predictor(network), prompts)
            described = risk_of(network, predictions, prompts, control, held_out.noise)
            step = describe_step(network.weights, network.architecture, settings)
            risks.append({**about, **described, **step})
            own = predictions[:, :N_COMPARED]
            distances += [
                {**about, "algorithm": name}
                | {"preds_diff": min(float((own - other).abs().mean()) for other in both)}
                for name, both in references.items()
            ]
    return {"risk": pd.DataFrame(risks), "distances": pd.DataFrame(distances)}


def control_errors(
    prompts: Prompts, n_steps: int, noise: float
) -> tuple[Float[Tensor, "prompt"], float]:
    """Every prompt's risk after so many gradient steps, best at this k, and its exact mean."""
    k, d = prompts.x.shape[-2:]
    steps = tuned_step_sizes(n_steps, d, k, noise)
    found = errors(partial(gradient_descent, step_sizes=steps), prompts)
    return found, gradient_descent_risk(steps, expected_spectrum(d, [k], 2 * n_steps + 2), noise)


def risk_of(
    network: Network,
    predictions: Float[Tensor, "1 prompt query"],
    prompts: Prompts,
    control: tuple[Float[Tensor, "prompt"], float],
    noise: float,
) -> dict[str, float]:
    """``describe_risk``, with the exact risk where there is one, else the controlled mean."""
    n_prompts, k, d = prompts.x.shape[-3:]
    described = describe_risk(predictions, prompts)
    own = squared_errors(predictions, prompts)[0] / d
    if has_exact_risk(network.architecture):
        exact = exact_risk(network.weights, network.architecture, d, k, noise)
        risk, error = float(exact), 0.0
    else:
        risk, error = controlled_mean(own, *control)
    described |= {"risk": risk, "risk_se": error, "risk_sampled": described["risk"]}
    diverged = float((~(own <= DIVERGED_RISK)).double().mean())
    return described | {"diverged_share": diverged, "n_prompts": n_prompts}
