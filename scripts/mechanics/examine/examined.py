"""Weights are examined: tables, a figure and a summary of two pages, with a verdict."""

import argparse
import json
import shutil
from pathlib import Path

import pandas as pd
import torch
import typst
from jinja2 import Environment, FileSystemLoader

import analyse_addition  # the programs: they lie beside the library
import analyse_regression
from mechanics.addition import measures as addition_measures
from mechanics.addition.ablation import judge
from mechanics.addition.as_addition import as_addition
from mechanics.addition.pairs import all_pairs
from mechanics.examine import summary
from mechanics.examine.network import ADDITION, Understood
from mechanics.figures import style
from mechanics.figures.embedding import embedding
from mechanics.figures.risk_by_context import risk_by_context
from mechanics.models import addition
from mechanics.models.weights import Network
from mechanics.regression import data
from mechanics.regression import measures as regression_measures
from mechanics.regression.held_out import expect_regression, read_held_out
from mechanics.runtime.files import atomic
from mechanics.study.lineage import ROOT
from mechanics.tables.frames import write_tables
from mechanics.tables.interpretation import is_fourier
from mechanics.tables.risk import laws

TEMPLATES = ROOT / "workflow/report/examined"
N_PROMPTS, N_QUERIES = 2048, 8  # of every context length
# What the summary reads; --all measures the rest. The last is asked where there is no circuit.
ADDITION_MEASURES = ("evaluation", "circuit", "ablation", "patching", "sum_in_stream")
REGRESSION_MEASURES = ("evaluation", "filters")
CAPTIONS = {
    "embedding": "Share of each frequency in what varies over the numbers in W_E; dashed, "
    "what the key rule asks for. A circuit: a few tall lines; random vectors: no line stands out.",
    "risk_by_context": "Risk by context length beside its laws. Dotted: the median over prompts.",
}


def examine(understood: Understood, arguments: argparse.Namespace) -> str:
    """Write tables, a figure and the summary into the folder ``output``; return the verdict.

    ``arguments`` are those of ``examine.py``.
    """
    network, output = understood.network.exact(), arguments.output
    own = examine_addition if network.task == ADDITION else examine_regression
    tables, (verdict, sections), figure, name = own(network, arguments)
    write_tables(tables, output / "tables")
    style.save(figure, output, name, "")
    content = {
        "title": f"{arguments.weights.name}: {network.task.replace('_', ' ')}",
        "verdict": verdict,
        "read": [[what, how] for what, how in understood.said.items()],
        "sections": sections,
        "figure": {"name": name, "caption": CAPTIONS[name]},
    }
    write_summary(content, output)
    return verdict


def examine_addition(network: Network, arguments: argparse.Namespace):
    """Tables, what is said of them, a figure and its name. Which pairs were trained on is unknown:
    tables are of all pairs. The network is read ``as_addition``."""
    measures = ADDITION_MEASURES
    if arguments.all:
        measures = addition_measures.defined_for(network.settings, variant=False)
    network = as_addition(network)
    p = network.settings["p"]
    pairs = all_pairs(p)
    logits = addition.forward(network.weights, pairs[None], network.architecture)[0]
    right = judge(logits).over_all()["accuracy"]
    print(f"accuracy on all {p**2:,} pairs: {right:.4f}", flush=True)
    if right < 2 / p:
        print("that is guessing: if it was trained to answer, something assumed above is wrong")
    tables = {}
    for name in measures:
        known = name == "sum_in_stream" and is_fourier(tables["parsimony"], p)
        if arguments.all or not known:
            tables |= analyse_addition.measure(name, [network], None)
    named = {"model": network.model, "arm": "main", "status": network.status}
    shown = (tables[name].assign(**named) for name in ("embedding", "circuit", "circles"))
    style.use_style()
    figure = embedding(*shown)
    return tables, summary.addition(tables, network.settings), figure, "embedding"


def examine_regression(network: Network, arguments: argparse.Namespace):
    """Tables, what is said of them, a figure and its name."""
    settings = network.settings
    low, high = settings["k_min"], settings["k_max"]
    lengths = sorted({round(low + (high - low) * part / 4) for part in range(5)})
    network.settings["measured_at"] = lengths
    prompts = arguments.output / "prompts.safetensors"
    asked = {"d": settings["d"], "context_lengths": lengths}
    data.prepare(asked | {"n_prompts": N_PROMPTS, "n_queries": N_QUERIES}, prompts)
    held_out = read_held_out(prompts, torch.device("cpu"), settings)
    network = network.to(torch.float32)  # as it was trained
    expect_regression(network, held_out, arguments.weights)
    tables = {}
    for name in regression_measures.defined_for(settings) if arguments.all else REGRESSION_MEASURES:
        tables |= analyse_regression.MEASURES[name]([network], held_out)
    risks = tables["risk"].assign(model=network.model, status=network.status)
    levels = pd.DataFrame([laws(settings, k) for k in risks["k"]])
    style.use_style()
    figure = risk_by_context(pd.concat([risks, levels], axis=1))
    return tables, summary.regression(tables, settings), figure, "risk_by_context"


def write_summary(content: dict, output: Path) -> None:
    """summary.json, and the same as PDF and as HTML."""
    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    page = pages.get_template("summary.html.j2").render(content)
    text = json.dumps(content, indent=1, ensure_ascii=False)
    for name, written in (("summary.json", text), ("summary.html", page)):
        with atomic(output / name) as part:
            part.write_text(written, encoding="utf-8")
    source = shutil.copy(TEMPLATES / "summary.typ", output)  # reads what lies beside it
    with atomic(output / "summary.pdf") as part:
        part.write_bytes(typst.compile(source, ignore_system_fonts=True))
    Path(source).unlink()
