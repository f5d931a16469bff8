"""What a reader is told of an examined network: a verdict, its evidence, and tables of a page.

Everything is read from the tables that ``examined`` makes.
"""

import math

import pandas as pd

from mechanics.addition.fourier import KEY_FACTOR, frequencies
from mechanics.addition.neurons import EXPLAINED
from mechanics.models.transformer import architecture
from mechanics.regression.effective_weights import is_one_linear_layer
from mechanics.report.text import short
from mechanics.tables.interpretation import (
    carried_sums,
    clock_or_pizza,
    describe_filter,
    describe_logits,
    describe_sum,
    is_fourier,
)
from mechanics.tables.regression import laws

Frames = dict[str, pd.DataFrame]
LEVELS = {  # columns of ``tables.regression.laws``, and how a reader is told of them
    "one_step_optimum": "best step at k",
    "one_step_mixture": "best step for all k",
    "gd_free_at_k": "best L steps at k",
    "polynomial_floor": "floor of L layers",
    "ols": "OLS",
}
OF_SEVERAL = ("gd_free_at_k", "polynomial_floor")  # layers: of one they are the best step
N_NEAREST = 3


def table(heading: str, columns: list[str], rows: list[list], note: str = "") -> dict:
    shown = [[cell(own) for own in row] for row in rows]
    return {"heading": heading, "columns": columns, "rows": shown, "note": note}


def cell(own: object) -> str:
    if isinstance(own, str):
        return own
    return "undefined" if pd.isna(own) else short(float(own))


def addition(tables: Frames, settings: dict) -> tuple[str, list[dict]]:
    """The verdict, and the tables of the page."""
    all_pairs = tables["evaluation"].set_index("split").loc["all"]
    parsimony, circuit = tables["parsimony"], tables["circuit"]
    of_kind = parsimony.groupby("kind")[["accuracy", "loss", "min_margin"]].first()
    answers = [
        ["the network", *of_kind.loc["full"]],
        ["its key frequencies alone", *of_kind.loc["keys_only"]],
        ["without its key frequencies", *of_kind.loc["without_keys"]],
    ]
    row = circuit.iloc[0]
    found = [
        ["key frequencies", row["key_frequencies"] or "none", f"from {row['keys_from']}"],
        ["key frequencies of W_E", row["keys_w_e"] or "none", ""],
        ["key frequencies of the neurons", row["keys_neurons"] or "none", ""],
        ["logits explained by the keys (FVE)", row["logit_fve"], "1: a circuit of waves"],
        ["logits explained by all cos ω(a+b−c)", all_pairs["sum_fve"], "random: nearly 0"],
        ["frequencies that make nine tenths of it", all_pairs["n_frequencies"], ""],
        ["neurons of one frequency", row["neurons_explained"], f"share with FVE above {EXPLAINED}"],
        ["distance irrelevance", row["distance_irrelevance"], "near 0: pizza, near 1: clock"],
    ]
    by_key = tables["identities"].merge(tables["circles"], on=["seed", "frequency"], how="left")
    by_key = by_key[by_key["plane"] == "key"]
    without = tables["ablation"].query("split == 'all' and level == 'logits'")
    without = without.set_index("frequency")["loss"]
    keys = [
        [str(k.frequency), k.fve_x, without[k.frequency], k.angle_r_squared, k.q_clock, k.q_pizza]
        for k in by_key.itertuples()
    ]
    p, columns = settings["p"], ["answers of", "accuracy", "loss, nats", "least margin, logits"]
    note = f"Guessing: accuracy {1 / p:.4f}, loss {math.log(p):.3f}."
    sections = [
        table(f"Answers to all {p**2:,} pairs", columns, answers, note),
        table("Circuit", ["measure", "value", ""], found),
    ]
    if keys:
        columns = ["frequency", "FVE of the logits", "loss without it", "circle, R² of the angle"]
        sections.append(table("Key frequencies", [*columns, "clock", "pizza"], keys))
    return judge_addition(tables, p), [*sections, patching(tables["patched_groups"])]


def judge_addition(tables: Frames, p: int) -> str:
    """A circuit, a sum in the stream, or neither, each with its evidence."""
    evaluation, circuit = tables["evaluation"], tables["circuit"]
    right = evaluation.set_index("split").loc["all", "accuracy"]
    said = f"It answers {right:.2%} of all {p**2:,} pairs"
    if is_fourier(tables["parsimony"], p):
        n_keys = len(circuit["key_frequencies"].iloc[0].split())
        isolated = circuit["clock_circles"].notna().all()
        nearer = f" ({clock_or_pizza(circuit)})" if isolated else ""
        return f"Fourier circuit: {n_keys} key frequencies suffice and are needed{nearer}. {said}."
    carried = carried_sums(tables["sum_in_stream"], tables["sum_exchange"])
    if right > 2 / p and carried["is_carried"].any():
        return f"A sum in the stream, read off: {describe_sum(carried)}. {said}."
    keys = circuit["key_frequencies"].iloc[0]
    if keys:
        kept = tables["parsimony"].set_index("kind").loc["keys_only", "accuracy"]
        why = f"the key frequencies {keys} alone answer {kept:.2%}, and that is not all pairs"
        if kept == 1:
            why = f"without the key frequencies {keys} it is still better than guessing"
    elif len(frequencies(p)) < KEY_FACTOR:
        why = f"p = {p} has too few frequencies for one to stand out as a key"
    else:
        why = describe_logits(evaluation)
    return f"No circuit: {why}. {said}; guessing would answer {1 / p:.2%}."


def patching(groups: pd.DataFrame) -> dict:
    """What each part recovers of the logit difference, clean into corrupted."""
    own = groups[(groups["direction"] == "denoising") & ~groups["kind"].isin(["random", "top"])]
    rows = [
        [row.kind, row.name, str(row.n_neurons or ""), row.recovery, row.recovery_se]
        for row in own.itertuples()
    ]
    n = int(groups["n_pairs"].max()) if len(groups) else 0
    note = f"Mean over {n} pairs of prompts that the network answers right; 1: all of it."
    if not n:
        note = "Too few pairs are answered right to patch between them."
    columns = ["part", "which", "neurons", "recovery", "standard error"]
    return table("Activation patching", columns, rows if n else [], note)


def regression(tables: Frames, settings: dict) -> tuple[str, list[dict]]:
    """The verdict, and the tables of the page."""
    risk, distances, filters = (tables[name] for name in ("risk", "distances", "filters"))
    lengths = sorted(risk["k"])
    middle = lengths[len(lengths) // 2]
    found = describe_filter(filters[filters["k"] == middle])
    at_middle = risk.set_index("k").loc[middle, "risk"]
    if not at_middle < 1:  # then the nearest filter names nothing; nan is no less
        nearest = found.rpartition(": ")[2]
        found = f"Nothing learned: risk {short(at_middle)}, predicting zero has 1; {nearest}"
    verdict = f"At k = {middle}: {found}."
    shown = [n for n in LEVELS if settings["n_layers"] > 1 or n not in OF_SEVERAL]
    by_k, nearest = [], []
    for k in lengths:
        own, levels = risk[risk["k"] == k].iloc[0], laws(settings, k)
        values = [levels[name] for name in shown]
        by_k.append([str(k), own["risk"], own["risk_se"], own["risk_median"], *values])
        near = distances[distances["k"] == k].nsmallest(N_NEAREST, "preds_diff")
        named = [f"{r.algorithm} ({short(r.preds_diff)})" for r in near.itertuples()]
        nearest.append([str(k), *named])
    columns = ["k", "risk", "standard error", "median", *(LEVELS[name] for name in shown)]
    note = "Predicting zero has risk 1. The laws have no free parameter."
    sections = [table("Risk, MSE/d, by context length k", columns, by_k, note)]
    note = "In brackets E|ŷ − ŷ'|, over prompts whose y has a standard deviation of √d."
    sections.append(table("Nearest algorithms", ["k", "nearest", "second", "third"], nearest, note))
    if is_one_linear_layer(architecture(settings)):
        step, c_star = risk.iloc[0], laws(settings, middle)["c_star"]
        rows = [
            ["step size ĉ", step["c_hat"], f"theory: c* = {short(c_star)}"],
            ["distance from isotropy", step["isotropy"], "0: a plain gradient step"],
        ]
        sections.append(table("The layer as one gradient step", ["measure", "value", ""], rows))
    return verdict, sections
