"""Weights are examined: tables, a figure and a summary of two pages, with a verdict."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import torch
import typst
from jinja2 import Environment, FileSystemLoader
from matplotlib.figure import Figure

from mechanics.addition.analysis import measure
from mechanics.addition.as_addition import as_addition
from mechanics.examine import summary
from mechanics.examine.network import ADDITION, Understood
from mechanics.figures import style
from mechanics.figures.embedding import embedding
from mechanics.figures.risk_by_context import risk_by_context
from mechanics.models.weights import Network
from mechanics.regression import data
from mechanics.regression.evaluation import evaluation
from mechanics.regression.filters import filters
from mechanics.regression.held_out import expect_regression, read_held_out
from mechanics.runtime.files import atomic
from mechanics.study.lineage import ROOT
from mechanics.tables.frames import write_tables
from mechanics.tables.interpretation import is_fourier
from mechanics.tables.regression import laws

TEMPLATES = ROOT / "workflow/report/examined"
SUMMARY = "summary.json"
N_PROMPTS, N_QUERIES = 16384, 8  # of every context length: those of the study, to the bit
CAPTIONS = {
    "embedding": "Share of each frequency in what varies over the numbers in W_E; dashed, "
    "what the key rule asks for. A circuit: a few tall lines; random vectors: no line stands out.",
    "risk_by_context": "Risk by context length beside its laws. Dotted: the median over prompts.",
}


def examine(understood: Understood, weights: Path, output: Path) -> str:
    """Write tables, a figure and the summary into the folder ``output``; return the verdict.

    ``weights`` is the file that was understood. Tables of what was examined into this folder before
    are removed.
    """
    network = as_addition(understood.network.exact())  # one of regression stays as it is
    style.use_style()
    if network.task == ADDITION:
        name, (tables, figure) = "embedding", examine_addition(network)
        verdict, sections = summary.addition(tables, network.settings)
    else:
        name, (tables, figure) = "risk_by_context", examine_regression(network, weights)
        verdict, sections = summary.regression(tables, network.settings)
    if (output / SUMMARY).exists():  # of what was examined into this folder before
        shutil.rmtree(output / "tables", ignore_errors=True)
    write_tables(tables, output / "tables")
    style.save(figure, output, name, "")
    content = {
        "title": f"{weights.name}: {network.task.replace('_', ' ')}",
        "verdict": verdict,
        "read": [[what, how] for what, how in understood.said.items()],
        "sections": sections,
        "figure": {"name": name, "caption": CAPTIONS[name]},
    }
    write_summary(content, output)
    return verdict


def examine_addition(network: Network) -> tuple[dict[str, pd.DataFrame], Figure]:
    """Tables and a figure. Which pairs were trained on is unknown: tables are of all pairs."""
    p = network.settings["p"]
    tables = measure("evaluation", [network])
    right = tables["evaluation"]["accuracy"].item()
    print(f"accuracy on all {p**2:,} pairs: {right:.4f}", flush=True)
    if right < 2 / p:
        print("that is guessing: if it was trained to answer, something assumed above is wrong")
    for name in ("circuit", "ablation", "patching"):
        tables |= measure(name, [network])
    if not is_fourier(tables["parsimony"], p):
        tables |= measure("sum_in_stream", [network])
    named = {"model": network.model, "arm": "main", "status": network.status}
    shown = (tables[name].assign(**named) for name in ("embedding", "circuit", "circles"))
    return tables, embedding(*shown)


def examine_regression(network: Network, weights: Path) -> tuple[dict[str, pd.DataFrame], Figure]:
    """Tables and a figure, on the prompts that a study of these d and k has."""
    settings = network.settings
    low, high = settings["k_min"], settings["k_max"]
    lengths = sorted({round(low + (high - low) * part / 4) for part in range(5)})
    settings["measured_at"] = lengths
    asked = {"d": settings["d"], "context_lengths": lengths}
    with TemporaryDirectory() as folder:
        prompts = Path(folder) / "prompts.safetensors"
        data.prepare(asked | {"n_prompts": N_PROMPTS, "n_queries": N_QUERIES}, prompts)
        held_out = read_held_out(prompts, torch.device("cpu"), settings)
    network = network.to(torch.float32)  # as it was trained
    expect_regression(network, held_out, weights)
    tables = evaluation([network], held_out) | {"filters": filters([network], held_out)}
    risks = tables["risk"].assign(model=network.model, status=network.status)
    levels = pd.DataFrame([laws(settings, k) for k in risks["k"]])
    return tables, risk_by_context(pd.concat([risks, levels], axis=1))


def write_summary(content: dict, output: Path) -> None:
    """summary.json, and the same as PDF and as HTML."""
    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    page = pages.get_template("summary.html.j2").render(content)
    text = json.dumps(content, indent=1, ensure_ascii=False)
    for name, written in ((SUMMARY, text), ("summary.html", page)):
        with atomic(output / name) as part:
            part.write_text(written, encoding="utf-8")
    source = shutil.copy(TEMPLATES / "summary.typ", output)  # reads what lies beside it
    with atomic(output / "summary.pdf") as part:
        part.write_bytes(typst.compile(source, ignore_system_fonts=True))
    Path(source).unlink()
