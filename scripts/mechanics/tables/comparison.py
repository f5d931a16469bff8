"""Rows of the comparative table (section 4.1 of the study), from evaluations and run records."""

import math
from dataclasses import astuple, replace
from itertools import groupby

import numpy as np
import pandas as pd

from mechanics.models.flops import least_addition_flops, least_regression_flops, regression_flops
from mechanics.models.transformer import architecture, token_d
from mechanics.regression.laws.risk import least_squares_risk, optimal_step_size
from mechanics.regression.references import mixture_risk
from mechanics.tables.emergence import grokking_moments
from mechanics.tables.frames import ASSIGNED
from mechanics.tables.interpretation import MEASURED, describe_addition, describe_filter
from mechanics.tables.statistics import Estimate, mean_over_seeds, share_of_seeds
from mechanics.tables.study import Study
from mechanics.training.schedules import lengths_of_step

COLUMNS = [
    *("configuration", "task", "metric", "value", "ci_low", "ci_high", "n_seeds"),
    *("reference", "reference_value", "flops_per_prompt", "train_flops", "interpretation"),
    *("model", "evaluation_se"),
]
ALL_RIGHT = "share of seeds that answer every pair"
GROKKING = "grokking step, of the seeds that grokked"
REACHED = "step that first reached the accuracy of grokking, of the seeds that did"


def tables(study: Study) -> dict[str, pd.DataFrame | str]:
    """``comparative_metrics``, in the order of the assignment, and the same as Markdown.

    Models that vary another one are left out, and those of ``task_diversity``.
    """
    rows = []
    runs = [run for run in study.runs if run.parts[-2] not in study.variants]
    for (task, model), group in groupby(runs, key=lambda run: run.parts[-3:-1]):
        own = list(group)
        records = [study.records[run] for run in own]
        if "n_tasks" in records[0]["settings"]:
            continue  # no risk is measured on it: it is for the table task_diversity alone
        if task == "linear_regression":
            found = [together(study, own, name) for name in ("risk", "filters")]
            rows += regression_rows(model, records, *found, study.settings)
        else:
            measured = {name: together(study, own, name) for name in MEASURED}
            history = None
            if not study.is_imported(own[0]):
                histories = [pd.read_parquet(run / "history.parquet") for run in own]
                history = pd.concat(histories, ignore_index=True)
            rows += addition_rows(model, records, measured, history)
    rows = sorted(rows, key=assignment_order)
    table = pd.DataFrame(rows, columns=COLUMNS)
    return {"comparative_metrics": table, "comparative_metrics.md": as_markdown(table)}


def together(study: Study, runs: list, name: str) -> pd.DataFrame:
    return pd.concat([study.analysis(run, name) for run in runs], ignore_index=True)


def assignment_order(row: dict) -> int:
    """Sorts the three configurations of the assignment's table first, others after them."""
    name = row["configuration"]
    return ASSIGNED.index(name) if name in ASSIGNED else len(ASSIGNED)


def configuration(settings: dict) -> str:
    """A network in the words of the assignment's table, e.g. "Linear Attention (L=1)"."""
    depth, heads = settings["n_layers"], settings["n_heads"]
    if "weights" in settings:  # not one of those that the assignment asks for
        own = {key: value for key, value in settings.items() if key != "weights"}
        return f"{configuration(own)}, imported"
    if depth > 1 and settings["d_mlp"]:
        return f"Deep Transformer (L={depth})"
    several = f", {heads} heads" if settings["d_model"] == "token" and heads > 1 else ""
    wider = f", d_max={settings['d_max']} {settings['subspace']}" if settings.get("d_max") else ""
    return f"{settings['attention'].capitalize()} Attention (L={depth}{several}{wider})"


def _row(metric: str, estimate: Estimate, reference: tuple[str, float], common: dict) -> dict:
    return common | dict(zip(COLUMNS[2:9], (metric, *astuple(estimate), *reference), strict=True))


def _common(model: str, records: list[dict], interpretation: str) -> dict:
    settings = records[0]["settings"]
    replicas = pd.DataFrame(replica for record in records for replica in record["replicas"])
    sound = _sound(replicas, records)
    if n_diverged := len(replicas) - len(sound):
        interpretation += f"; {n_diverged} of {len(replicas)} seeds diverged, not in the mean"
    return {
        "configuration": configuration(settings),
        "task": settings["task"],
        "train_flops": mean_over_seeds(sound["train_flops"]).value * lengths_factor(settings),
        "interpretation": interpretation,
        "model": model,
    }


def lengths_factor(settings: dict) -> float:
    """Mean FLOPs of a training step over those of step 0, at which the loop counts them.

    Steps cost as much as the k that their prompts share; where each prompt has its own, all cost
    the same.
    """
    if not settings.get("one_length_per_step"):
        return 1.0
    size = (architecture(settings), token_d(settings))
    costs = [
        sum(
            regression_flops(*size, k, settings["queries_per_prompt"])
            for k in lengths_of_step(settings, 0, step).tolist()
        )
        for step in range(settings["steps"])
    ]
    return sum(costs) / len(costs) / costs[0]


def _sound(frame: pd.DataFrame, records: list[dict]) -> pd.DataFrame:
    """Without seeds that have no final weights: the interpretation says so, no mean has them."""
    replicas = [replica for record in records for replica in record["replicas"]]
    diverged = [replica["seed"] for replica in replicas if replica["status"] == "diverged"]
    return frame[~frame["seed"].isin(diverged)]


def regression_rows(
    model: str, records: list[dict], risks: pd.DataFrame, filters: pd.DataFrame, settings: dict
) -> list[dict]:
    """Normalised risk at the tabulated context lengths, each beside OLS and one-step optima.

    The one-step optimum r* is the best step for this k alone; a network trained on all k at once
    can at best take the one step that is best for all together. FLOPs are those of one prompt
    with one test point, and the filter described is that at this k.
    """
    own, result = records[0]["settings"], []
    risks, filters = _sound(risks, records), _sound(filters, records)
    for k in settings["tabulated_at"]:
        common = _common(model, records, describe_filter(filters[filters["k"] == k]))
        at_k = risks[risks["k"] == k]
        own_columns = {
            "flops_per_prompt": least_regression_flops(architecture(own), token_d(own), k),
            "evaluation_se": at_k["risk_se"].mean(),
        }
        d, noise = own["d"], own.get("noise", 0.0)
        levels = {
            "OLS": least_squares_risk(d, k, noise),
            "one-step optimum r*": 1 - optimal_step_size(d, [k], noise),
            "one step for all k": mixture_risk(d, own["k_min"], own["k_max"], k, noise),
        }
        estimate = within(mean_over_seeds(at_k["risk"], own_columns["evaluation_se"]))
        for level in levels.items():
            result.append(_row(f"MSE/d at k = {k}", estimate, level, common) | own_columns)
    return result


def addition_rows(
    model: str,
    records: list[dict],
    measured: dict[str, pd.DataFrame],
    history: pd.DataFrame | None,
) -> list[dict]:
    """Seeds that answer all pairs, accuracy on all and on those never trained on, validation loss,
    grokking step.

    The grokking step is that of the last spike where there are spikes: beside it stands the step
    that first reached its accuracy. Without ``history`` (an imported network) it is not known when
    it grokked, nor on which pairs: it has the rows of all pairs alone.
    """
    own, p = records[0]["settings"], records[0]["settings"]["p"]
    measured = {name: _sound(frame, records) for name, frame in measured.items()}
    evaluation = measured["evaluation"]
    common = _common(model, records, describe_addition(measured, own["n_layers"], p))
    common |= {"flops_per_prompt": least_addition_flops(architecture(own), p)}
    chance, all_pairs = ("chance 1/p", 1 / p), evaluation[evaluation["split"] == "all"]
    right = all_pairs["accuracy"] == 1
    all_right = share_of_seeds(int(right.sum()), len(right))
    accuracy = within(mean_over_seeds(all_pairs["accuracy"]), 1.0)
    of_all = [(ALL_RIGHT, all_right, ("", math.nan)), ("accuracy, all pairs", accuracy, chance)]
    if history is None:
        return [_row(*row, common) for row in of_all]
    moments = grokking_moments(_sound(history, records), own["grokking_accuracy"])
    never = int(moments["grokking_step"].isna().sum())
    if never:
        common["interpretation"] += f"; {never} of {len(moments)} seeds did not grok"
    guess = ("uniform guess ln p", math.log(p))
    budget = ("last step of the budget", float(own["steps"]))
    validation = evaluation[evaluation["split"] == "validation"]
    of_training = [
        ("accuracy, validation", validation["accuracy"], chance, 1.0),
        ("loss, validation (nats)", validation["loss"], guess, math.inf),
        (REACHED, moments["first_reached_step"], budget, math.inf),
        (GROKKING, moments["grokking_step"], budget, math.inf),
    ]
    for metric, values, reference, most in of_training:
        of_all.append((metric, within(mean_over_seeds(values), most), reference))
    return [_row(*row, common) for row in of_all]


def within(estimate: Estimate, most: float = math.inf) -> Estimate:
    """The interval cut to the values that the quantity can take, 0 to ``most``."""
    low, high = (float(np.clip(end, 0.0, most)) for end in (estimate.low, estimate.high))
    return replace(estimate, low=low, high=high)


def as_markdown(table: pd.DataFrame) -> str:
    """The table to read: a row for each configuration, task and metric, references beside it."""
    shown = []
    keys = ["configuration", "model", "task", "metric"]
    for (name, model, task, metric), part in table.groupby(keys, sort=False):
        first, spent = part.iloc[0], part["train_flops"].iloc[0]
        levels = zip(part["reference"], part["reference_value"], strict=True)
        references = [f"{words}: {_number(level)}" for words, level in levels if words]
        shown.append(
            {
                "Model configuration": name,
                "entry": f"`{model}`",
                "Task": task.replace("_", " "),
                "Metric": metric,
                "Value (95 % interval)": _interval(first),
                "Seeds": first["n_seeds"],
                "Reference": "; ".join(references),
                "FLOPs per prompt": f"{first['flops_per_prompt']:,}",
                "FLOPs of training": "—" if math.isnan(spent) else f"{spent:.2g}",
                "Interpretation": first["interpretation"],
            }
        )
    note = (
        "\nMSE/d is the mean squared error over E[y²] = d, so that predicting zero scores 1. "
        "Intervals are Student's over seeds, and exact binomial ones of shares of seeds; seeds "
        "that are all equal have none. After ±: the standard error that the evaluation prompts "
        "give to all seeds alike; the interval has it in it. FLOPs per prompt are the matrix "
        "products that one answer needs, in their cheapest order, tokens looked up; FLOPs of "
        "training those of the steps as they were run.\n"
    )
    return pd.DataFrame(shown).to_markdown(index=False) + "\n" + note


def _interval(row: pd.Series) -> str:
    if row["n_seeds"] == 0:
        return "never" if row["metric"] in (REACHED, GROKKING) else "—"
    text = _number(row["value"])
    if not math.isnan(row["ci_low"]):
        text += f" [{_number(row['ci_low'])}, {_number(row['ci_high'])}]"
    if row["evaluation_se"] > 0:  # 0: the risk is exact
        text += f" ± {row['evaluation_se']:.1g}"
    return text


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
