"""The training of one linear layer, predicted without a free parameter, beside what happened.

Arms: merged weights from a balanced isotropic start (a closed form) and from a random one (descent
on the exact risk), each beside descent on sampled prompts; the study's own training by Adam, beside
Adam on the exact gradient, whose second moment may read sampled gradients; and the four matrices
from small weights, beside the risk of the saddle where one direction has been learned.
"""

import math
from itertools import islice

import numpy as np
import pandas as pd
import torch

from mechanics.models.transformer import architecture
from mechanics.regression.effective_weights import has_exact_risk, layer_risk
from mechanics.regression.laws import risk
from mechanics.regression.training_theory import (
    Weights,
    adam,
    balanced_start,
    curve,
    exact_loss,
    gradient_descent,
    initial,
    merged_weights,
    saddle_risk,
    sampled_loss,
    step_size_curve,
)
from mechanics.runtime.seeds import generator
from mechanics.tables.study import Study

RATE = 0.002  # at .01 the heavy tails of sampled gradients are seen
START, RANDOM_STD = 1e-2, 0.03  # c₀ of the balanced start; of each merged weight
SADDLE_STD, SADDLE_RATE = 0.1, 0.02  # of the four matrices, on the exact risk
MOST_STEPS, EVERY = 6000, 5
N_SEEDS = 5
COLUMNS = [
    *("model", "status", "arm", "seed", "k", "predicted", "measured"),
    *("measured_over_predicted", "largest_deviation"),
]
CURVES = ["model", "status", "arm", "curve", "seed", "step", "k", "risk"]
KEYS = ["step", "k", "seed"]
NOT_PLAIN = (  # settings of which the theory knows nothing
    *("d_max", "noise", "n_tasks", "standard_tokens", "strata", "one_length_per_step"),
    *("weight_decay", "gradient_clip"),
)


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``training_theory``, a row per arm, seed and k, and ``training_theory_curves``."""
    fit = [run for run in study.runs_of("linear_regression") if fits(study.records[run])]
    if not fit:
        empty = {"training_theory": COLUMNS, "training_theory_curves": CURVES}
        return {name: pd.DataFrame(columns=columns) for name, columns in empty.items()}
    runs = [run for run in fit if run.parts[-2] == fit[0].parts[-2]]  # all blocks of seeds
    history = pd.concat(pd.read_parquet(run / "history.parquet") for run in runs)
    settings = study.records[runs[0]]["settings"]
    sound = [seed for run in runs for seed in _sound_seeds(study.records[run])]
    arms = {
        "balanced start": balanced(settings),
        "random start": random_start(settings),
        **by_adam(settings, sound, history),
    }
    summary = [row for arm, pair in arms.items() for row in compare(arm, *pair, settings)]
    curves = [
        part.assign(arm=arm, curve=name)
        for arm, pair in arms.items()
        for name, part in zip(("predicted", "measured"), pair, strict=True)
    ]
    saddle_rows, saddle_curve = saddle(settings)
    about = {"model": runs[0].parts[-2], "status": "finished"}
    table = pd.DataFrame(summary + saddle_rows).assign(**about)
    all_curves = pd.concat([*curves, saddle_curve], ignore_index=True).assign(**about)
    return {"training_theory": table[COLUMNS], "training_theory_curves": all_curves[CURVES]}


def fits(record: dict) -> bool:
    """Whether a run trained one linear layer of one head, on plain prompts by plain Adam."""
    settings = record["settings"]
    plain = not any(settings.get(key) for key in NOT_PLAIN)
    plain = plain and settings.get("trained_on", "prompts") == "prompts"
    return plain and has_exact_risk(architecture(settings)) and bool(_sound_seeds(record))


def _sound_seeds(record: dict) -> list[int]:
    return [own["seed"] for own in record["replicas"] if own["status"] != "diverged"]


def lengths_of(settings: dict) -> range:
    return range(settings["k_min"], settings["k_max"] + 1)


def balanced(settings: dict) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The closed form until it is within 2 % of c*, and descent on eight times a run's prompts."""
    d, lengths = settings["d"], lengths_of(settings)
    doublings = math.log(risk.optimal_step_size(d, lengths) / START) + 4
    steps = range(0, round(doublings / (2 * math.sqrt(d) * RATE)), EVERY)
    sizes = step_size_curve(steps, START, RATE, d, lengths).tolist()
    predicted = pd.DataFrame(
        [
            (step, k, seed, risk.one_step_risk(size, d, k))
            for step, size in zip(steps, sizes, strict=True)
            for k in settings["measured_at"]
            for seed in range(N_SEEDS)
        ],
        columns=[*KEYS, "risk"],
    )
    W_QK, value = balanced_start(START, d)
    start = {"W_QK": W_QK.expand(N_SEEDS, -1, -1), "value": value.expand(N_SEEDS, -1)}
    return predicted, on_prompts(settings, start, 8 * settings["prompts_per_step"], steps)


def random_start(settings: dict) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Descent on the exact risk until it has all but ended, and on twice a run's prompts."""
    n_tokens, network = settings["d"] + 1, architecture(settings)
    shape, kind = (n_tokens + 1, n_tokens), torch.float64
    drawn = [torch.randn(shape, dtype=kind, generator=generator("init", s)) for s in range(N_SEEDS)]
    drawn = RANDOM_STD * torch.stack(drawn)
    start = {"W_QK": drawn[:, :-1].contiguous(), "value": drawn[:, -1].contiguous()}
    loss = exact_loss(network, lengths_of(settings))
    end = 1.05 * settings["d"] * (1 - risk.optimal_step_size(settings["d"], lengths_of(settings)))
    path = islice(gradient_descent(start, loss, RATE), MOST_STEPS)
    last = next((n for n, own in enumerate(path) if (loss(own, n) < end).all()), MOST_STEPS)
    steps = range(0, last, EVERY)
    predicted = curve(gradient_descent(start, loss, RATE), network, steps, settings["measured_at"])
    return predicted, on_prompts(settings, start, 2 * settings["prompts_per_step"], steps)


def on_prompts(settings: dict, start: Weights, n_prompts: int, steps: range) -> pd.DataFrame:
    loss = sampled_loss(settings, n_prompts, lambda step: lengths_of(settings))
    path = gradient_descent(start, loss, RATE)
    return curve(path, architecture(settings), steps, settings["measured_at"])


def by_adam(
    settings: dict, seeds: list[int], history: pd.DataFrame
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """The run's own history until all lengths are in use, and what exact gradients make of it."""
    until = settings["full_range_at"] * settings["steps"]
    measured = history[(history["step"] <= until) & history["seed"].isin(seeds)]
    steps, network = sorted(measured["step"].unique().tolist()), architecture(settings)
    arms = {"Adam, exact gradient": None, "Adam, noisy scale": settings["prompts_per_step"]}
    found = {}
    for arm, n_prompts in arms.items():
        path = adam(settings, seeds, n_prompts)
        predicted = curve(path, network, steps, settings["measured_at"])
        predicted["seed"] = predicted["seed"].map(dict(enumerate(seeds)))
        found[arm] = predicted, measured[[*KEYS, "risk"]]
    return found


def compare(
    arm: str, predicted: pd.DataFrame, measured: pd.DataFrame, settings: dict
) -> list[dict]:
    """A row per seed and k: when each drops, and how far their risks are ever apart."""
    both = predicted.merge(measured, on=KEYS, suffixes=("_predicted", "_measured"))
    best = risk.optimal_step_size(settings["d"], lengths_of(settings))
    rows = []
    for (seed, k), own in both.groupby(["seed", "k"]):
        half_way = (1 + risk.one_step_risk(best, settings["d"], k)) / 2
        drops = (
            _passes(own["step"], own[f"risk_{kind}"], half_way)
            for kind in ("predicted", "measured")
        )
        apart = (own["risk_measured"] / own["risk_predicted"] - 1).abs().max()
        rows.append(_row(arm, seed, k, *drops, apart))
    return rows


def _row(
    arm: str, seed: int, k: int | float, predicted: float, measured: float, apart: float
) -> dict:
    ratio = measured / predicted
    return dict(zip(COLUMNS[2:], (arm, seed, k, predicted, measured, ratio, apart), strict=True))


def _passes(steps: pd.Series, values: pd.Series, level: float) -> float:
    """The step at which a falling curve first passes a level, interpolated; nan if never."""
    below = np.flatnonzero(values.to_numpy() < level)
    if not len(below) or below[0] == 0:
        return math.nan
    ends = slice(below[0] - 1, below[0] + 1)
    return float(np.interp(level, values.iloc[ends][::-1], steps.iloc[ends][::-1]))


def saddle(settings: dict) -> tuple[list[dict], pd.DataFrame]:
    """The four matrices from small weights on the exact risk: their mean risk where it waits.

    That is where the fall is slower than before and after, between half a direction learned and
    one and a half; nan where it never is, and the network does not wait.
    """
    d, lengths, network = settings["d"], lengths_of(settings), architecture(settings)
    start = initial(settings | {"init_std": SADDLE_STD}, range(N_SEEDS))
    path = gradient_descent(start, exact_loss(network, lengths), SADDLE_RATE)
    steps, expected = range(0, MOST_STEPS, EVERY), saddle_risk(1, d, lengths)
    merged = (merged_weights(own, network) for own in islice(path, 0, MOST_STEPS, EVERY))
    inverse = risk.mean_inverse(lengths)
    risks = np.array([layer_risk(*own, inverse).tolist() for own in merged])
    half, speed = (1 - expected) / 2, np.abs(np.gradient(risks, axis=0))
    waiting = np.abs(risks - expected) < half
    waiting[1:-1] &= (speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])
    rows = []
    for seed in range(N_SEEDS):
        at = np.where(waiting[:, seed], speed[:, seed], np.inf).argmin()
        found = risks[at, seed] if waiting[at, seed] else math.nan
        apart = abs(found / expected - 1)
        rows.append(_row("saddle", seed, math.nan, expected, found, apart))
    curves = pd.DataFrame(risks, index=pd.Index(steps, name="step")).melt(
        var_name="seed", value_name="risk", ignore_index=False
    )
    return rows, curves.reset_index().assign(arm="saddle", curve="measured", k=np.nan)
