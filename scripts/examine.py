"""Examine weights of a network that others, or this project, have trained: one folder, one summary.

Reads safetensors, or a PyTorch state dict (no code in it is run), in the names of this project, of
TransformerLens 3 or 4, or of Nanda et al. 2023's saved runs. Finds the task, addition
modulo p or in-context regression, and the sizes from the shapes. What it cannot read, fold or
express, it refuses by name.

    python scripts/examine.py --weights nanda.pth --output results/examined/nanda
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd
import torch
import typst
from jinja2 import Environment

import analyse_addition
import analyse_regression
from mechanics.addition import measures as addition_measures
from mechanics.addition.ablation import judge
from mechanics.addition.as_addition import as_addition
from mechanics.addition.pairs import all_pairs
from mechanics.examine import summary
from mechanics.examine.formats import WeightsError
from mechanics.examine.network import ADDITION, OPERATIONS, Given, understand
from mechanics.figures import style
from mechanics.figures.embedding import embedding
from mechanics.figures.risk_by_context import risk_by_context
from mechanics.models import addition
from mechanics.models.weights import Network
from mechanics.regression import data
from mechanics.regression import measures as regression_measures
from mechanics.regression.held_out import expect_regression, read_held_out
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.tables.frames import write_tables
from mechanics.tables.interpretation import is_fourier
from mechanics.tables.risk import laws

TEMPLATES = Path(__file__).resolve().parents[1] / "workflow" / "report" / "examined"
N_PROMPTS, N_QUERIES = 2048, 8  # of every context length
# What the summary reads; --all measures the rest. The last is asked where there is no circuit.
ADDITION_MEASURES = ("evaluation", "circuit", "ablation", "patching", "sum_in_stream")
REGRESSION_MEASURES = ("evaluation", "filters")
CAPTIONS = {
    "embedding": "Share of each frequency in what varies over the numbers in W_E; dashed, "
    "what the key rule asks for. A circuit: a few tall lines; random vectors: no line stands out.",
    "risk_by_context": "Risk by context length beside its laws. Dotted: the median over prompts.",
}


def main() -> None:
    arguments = parse_arguments()
    sys.stdout.reconfigure(errors="replace")  # a locale may lack the letters of a verdict
    try:
        device = choose_device("cpu")
        given = {key: getattr(arguments, key) for key in Given.__dataclass_fields__}
        understood = understand(arguments.weights, Given(**given))
        network = understood.network.exact().to(device)
        for what, how in understood.said.items():
            print(f"{what}: {how}", flush=True)
        examine = examine_addition if network.task == ADDITION else examine_regression
        tables, (verdict, sections), figure, name = examine(network, arguments)
    except (WeightsError, OSError) as error:
        sys.exit(f"examine.py: {error}")
    write_tables(tables, arguments.output / "tables")
    style.save(figure, arguments.output, name, "")
    content = {
        "title": f"{arguments.weights.name}: {network.task.replace('_', ' ')}",
        "verdict": verdict,
        "read": [[what, how] for what, how in understood.said.items()],
        "sections": sections,
        "figure": {"name": name, "caption": CAPTIONS[name]},
    }
    write_summary(content, arguments.output)
    print(f"verdict: {verdict}\n{arguments.output}/summary.pdf, summary.html and tables/")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path, help="folder of tables and summary")
    words = "where shapes do not tell (TransformerLens 4)"
    parser.add_argument("--heads", type=int, help=words)
    words = "default: as this project recorded it, or add"
    parser.add_argument("--operation", choices=OPERATIONS, help=words)
    words = "measure all that a study measures, not what the summary needs alone (minutes)"
    parser.add_argument("--all", action="store_true", help=words)
    words = "default: softmax in addition; regression asks for it"
    parser.add_argument("--attention", choices=["softmax", "linear"], help=words)
    words = "there is LayerNorm, without weights of its own (TransformerLens's LNPre)"
    parser.add_argument("--layer-norm", action="store_true", help=words)
    words = "regression: fewest pairs in training, default %(default)s"
    parser.add_argument("--k-min", type=int, default=Given.k_min, help=words)
    words = "regression: most pairs in training, default %(default)s"
    parser.add_argument("--k-max", type=int, default=Given.k_max, help=words)
    return parser.parse_args()


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
    with atomic(output / "summary.json") as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    page = Environment(autoescape=True).from_string(
        (TEMPLATES / "summary.html.j2").read_text(encoding="utf-8")
    )
    with atomic(output / "summary.html") as part:
        part.write_text(page.render(content), encoding="utf-8")
    source = (TEMPLATES / "summary.typ").read_bytes()
    (output / "summary.typ").write_bytes(source)
    pdf = typst.compile(str(output / "summary.typ"), ignore_system_fonts=True)
    with atomic(output / "summary.pdf") as part:
        part.write_bytes(pdf)
    (output / "summary.typ").unlink()


if __name__ == "__main__":
    main()
