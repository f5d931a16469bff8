"""Networks trained on few tasks: do they know these w by heart, or have they an algorithm?

A task is a w. Risk is measured on prompts of the tasks that were trained on, and of new ones. What
is best for T tasks is their posterior mean, for new ones ridge (Raventós et al. 2023). One step
ΓXᵀY/k can be neither: Γ*(T) is the best (after Lu et al. 2025). One layer of linear attention has
weights beside Γ, too, which add what is even in w (values that read x, and y²). They cannot help
where w and −w are as probable; on few tasks they do, and what it costs on new ones is measured.
"""

import math
from functools import partial

import pandas as pd
import torch

from mechanics.models.prompts import controlled_mean, sample_prompts, training_tasks
from mechanics.models.weights import Network
from mechanics.regression.algorithms import posterior_mean, preconditioned_step, ridge
from mechanics.regression.held_out import HeldOut, errors, predictor
from mechanics.regression.laws.risk import optimal_task_preconditioner, preconditioned_error

N_PROMPTS, N_QUERIES = 4096, 4
REPLICA = 6  # of the stream "evaluation": the prompts of the tasks trained on
COLUMNS = [
    *("seed", "n_tasks", "noise", "k"),
    *("risk_seen", "risk_se_seen", "predicted_seen", "posterior_seen", "ridge_seen"),
    *("risk_new", "risk_se_new", "predicted_new", "posterior_new", "ridge_new"),
]


def task_diversity(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """A row per seed and k of ``measured_at``; of unlimited tasks none is seen twice: nan.

    On the same prompts the step Γ* says how hard they are (``controlled_mean``).
    """
    settings, noise = networks[0].settings, held_out.noise
    d, n_tasks = settings["d"], settings["n_tasks"]
    trained, identity = range(settings["k_min"], settings["k_max"] + 1), torch.eye(d)
    rows = []
    for k in settings["measured_at"]:
        new = held_out.prompts(k, N_PROMPTS)
        for network in networks:
            kinds, moment, algorithms = {"new": (new, identity)}, identity, {}
            tasks = training_tasks(network.seed, n_tasks, d)
            if tasks is not None:
                sizes = N_PROMPTS, k, N_QUERIES, d, noise, tasks
                seen = sample_prompts("evaluation", REPLICA, k, *sizes).to(held_out.device)
                moment = tasks.T @ tasks / len(tasks)
                kinds["seen"] = seen, moment
                algorithms["posterior"] = partial(posterior_mean, tasks=tasks, noise=noise)
            gamma = optimal_task_preconditioner(moment, trained, noise)
            step = partial(preconditioned_step, preconditioner=gamma.to(held_out.device))
            algorithms["ridge"] = partial(ridge, penalty=noise)
            row = {"seed": network.seed, "n_tasks": n_tasks or math.nan, "noise": noise, "k": k}
            for kind, (prompts, own) in kinds.items():
                law = preconditioned_error(gamma, k, noise, moment=own) / d
                found = errors(predictor(network), prompts), errors(step, prompts)
                risk, error = controlled_mean(*found, law)
                row |= {f"risk_{kind}": risk, f"risk_se_{kind}": error, f"predicted_{kind}": law}
                for name, algorithm in algorithms.items():
                    row[f"{name}_{kind}"] = float(errors(algorithm, prompts).mean())
            rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)
