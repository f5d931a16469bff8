"""What stands beside a study's tables and weights, for those who know nothing else of it.

Tables: README.md for readers and datapackage.json for programs say what each of them and each
column is, as ``mechanics.tables.columns`` declares it. The data package (https://datapackage.org)
has the tables that are CSV. Weights: a card says what the networks are, what was measured of them,
and how TransformerLens loads them; each network has a config.json.
"""

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow.parquet
from jinja2 import StrictUndefined, Template

from mechanics.models.addition import lens_settings
from mechanics.models.weights import Network, read_network
from mechanics.runtime.files import atomic
from mechanics.study.lineage import ROOT
from mechanics.tables.columns import column, table

README, PACKAGE = "tables/README.md", "tables/datapackage.json"
PROFILES = "https://datapackage.org/profiles/2.0"
INTRODUCTION = """# The tables of this study

A column means one thing in all tables. An empty cell: not measured, or not defined there. Losses
are cross-entropies; of regression the risk is the squared error over that of predicting zero. The
last table is made on request, by `make benchmark`.
"""
BENCHMARK = {"tables/benchmark.csv": ["quantity", "value", "unit", "note"]}
WEIGHTS = "weights/*/*/seed*.safetensors"
CARD, COMPARED = "weights/README.md", "tables/comparative_metrics.csv"
TEMPLATE = ROOT / "workflow/report/weights.md"
MEASURED = ["model", "task", "metric", "value", "ci_low", "ci_high", "n_seeds"]


def describe_tables(study: Path, tables: list[str]) -> list[str]:
    """Write what describes these tables; return its paths. All paths are in the study's folder.

    Raises KeyError for a table or a column that is not declared.
    """
    found = {path: columns_of(study / path) for path in sorted(tables)}
    return _write(study, {README: readme(found | BENCHMARK), PACKAGE: package(study.name, found)})


def describe_weights(study: Path, weights: list[str]) -> list[str]:
    """Write the card of these files of weights and the configs; return their paths.

    All paths are in the study's folder, which has the table ``COMPARED``.
    """
    networks = {Path(path): read_network(study / path) for path in weights}
    models = {path.parent: network for path, network in networks.items()}
    n_seeds = Counter(path.parent for path in networks)
    texts = {f"{f}/config.json": json.dumps(config(own), indent=1) for f, own in models.items()}
    known = [p for p, own in networks.items() if own.finite and config(own)["transformer_lens"]]
    example = known[0] if known else Path("task", "model", "seed0.safetensors")
    template = Template(TEMPLATE.read_text("utf-8"), undefined=StrictUndefined)
    rows = [model_row(own, n_seeds[folder]) for folder, own in models.items()]
    # The table has a row for each value that a network's is compared with.
    measured = pd.read_csv(study / COMPARED)[MEASURED].drop_duplicates()
    texts[CARD] = template.render(
        networks=pd.DataFrame(rows).to_markdown(index=False),
        measured=measured.to_markdown(index=False, floatfmt=".4g"),
        folder="/".join(example.parts[-3:-1]),
        file=example.name,
        p=networks[example].settings["p"] if known else "p",
    )
    return _write(study, texts)


def _write(study: Path, texts: dict[str, str]) -> list[str]:
    for path, text in texts.items():
        with atomic(study / path) as part:
            part.write_text(text.rstrip("\n") + "\n", "utf-8")
    return [*texts]


def is_table(path: str) -> bool:
    """Whether a file of a study is a table of it, and not what was measured on one run."""
    return Path(path).parent.name in ("tables", "analysis") and path.endswith((".csv", ".parquet"))


def columns_of(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_schema(path).names
    return list(pd.read_csv(path, nrows=0))


def readme(tables: dict[str, list[str]]) -> str:
    """A section for each table. ``tables``: the columns of each, by its path."""
    parts = [INTRODUCTION]
    for path, names in tables.items():
        name = Path(path).stem
        parts.append(f"\n## {name}\n\n`{path}`. {table(name)}\n\n")
        parts.append("| column | unit | meaning |\n| --- | --- | --- |\n")
        for name in names:
            own = column(name)
            unit, words = (text.replace("|", r"\|") for text in (own.unit, own.meaning))
            parts.append(f"| `{name}` | {unit} | {words} |\n")
    return "".join(parts)


def package(study: str, tables: dict[str, list[str]]) -> str:
    """A Frictionless data package of the tables that are CSV, beside which it lies."""
    resources = [
        {
            "name": Path(path).stem,
            "path": Path(path).name,
            "type": "table",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "description": table(Path(path).stem),
            "schema": {"$schema": f"{PROFILES}/tableschema.json", "fields": [*map(field, names)]},
        }
        for path, names in tables.items()
        if path.endswith(".csv")
    ]
    found = {"$schema": f"{PROFILES}/datapackage.json", "name": study.lower()}
    return json.dumps(found | {"resources": resources}, indent=1, ensure_ascii=False)


def field(name: str) -> dict:
    """A column as Table Schema has it; ``unit`` is a property of our own."""
    own = column(name)
    about = {"name": name, "type": own.type, "description": own.meaning}
    return about | ({"unit": own.unit} if own.unit else {})


def config(network: Network) -> dict:
    """TransformerLens's settings, null where it has no such network, and how it was trained."""
    settings, lens = network.settings, None
    if network.task == "modular_addition" and settings["attention"] == "softmax":
        lens = lens_settings(network.architecture, settings["p"])
    return {"transformer_lens": lens, "settings": settings}


def model_row(network: Network, n_seeds: int) -> dict:
    """A row of the card's table of networks."""
    own = network.settings
    lens = "yes" if config(network)["transformer_lens"] else "no"
    row = {"folder": f"`{network.task}/{network.model}`", "seeds": n_seeds, "TransformerLens": lens}
    trained = ("steps", "learning_rate", "weight_decay")
    shown = ("attention", "n_layers", "n_heads", "d_model", "d_mlp", "layer_norm", *trained)
    if "weights" in own:
        own = own | dict.fromkeys(trained, "")
        own["steps"] = "trained elsewhere, under its own licence"
    return row | {key: own[key] for key in shown}
