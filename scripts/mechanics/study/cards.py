"""What others need beside the weights of a study: a card, and a config.json for each network.

The card says what the networks are, what was measured of them, and how TransformerLens loads them.
"""

import json
from pathlib import Path

import pandas as pd
from jinja2 import StrictUndefined, Template

from mechanics.models.addition import lens_settings
from mechanics.models.weights import Network, read_network
from mechanics.runtime.files import atomic
from mechanics.study.lineage import ROOT

WEIGHTS = "weights/*/*/seed*.safetensors"
CARD, COMPARED = "weights/README.md", "tables/comparative_metrics.csv"
TEMPLATE = ROOT / "workflow/report/weights.md"
MEASURED = ["model", "task", "metric", "value", "ci_low", "ci_high", "n_seeds"]


def write(study: Path, weights: list[str]) -> list[str]:
    """Write the card of these files of weights and the configs; return their paths.

    All paths are in the study's folder, which has the table ``COMPARED``.
    """
    networks = {Path(path): read_network(study / path) for path in weights}
    of_models = {path.parent: network for path, network in networks.items()}
    made = {f"{f}/config.json": json.dumps(config(n), indent=1) for f, n in of_models.items()}
    made[CARD] = card(networks, of_models, pd.read_csv(study / COMPARED)[MEASURED])
    for path, text in made.items():
        with atomic(study / path) as part:
            part.write_text(text.rstrip("\n") + "\n", "utf-8")
    return [*made]


def card(
    networks: dict[Path, Network], of_models: dict[Path, Network], measured: pd.DataFrame
) -> str:
    """The template, filled. The networks by their files, and one of each model by its folder."""
    rows = [described(n, sum(p.parent == f for p in networks)) for f, n in of_models.items()]
    known = [p for p, n in networks.items() if n.finite and config(n)["transformer_lens"]]
    example = known[0] if known else Path("task", "model", "seed0.safetensors")
    template = Template(TEMPLATE.read_text("utf-8"), undefined=StrictUndefined)
    return template.render(
        networks=pd.DataFrame(rows).to_markdown(index=False),
        measured=measured.to_markdown(index=False, floatfmt=".4g"),
        folder="/".join(example.parts[-3:-1]),
        file=example.name,
        p=networks[example].settings["p"] if known else "p",
    )


def config(network: Network) -> dict:
    """TransformerLens's settings, null where it has no such network, and how it was trained."""
    settings, lens = network.settings, None
    if network.task == "modular_addition" and settings["attention"] == "softmax":
        lens = lens_settings(network.architecture, settings["p"])
    return {"transformer_lens": lens, "settings": settings}


def described(network: Network, n_seeds: int) -> dict:
    """A row of the card's table of networks."""
    own = network.settings
    lens = "yes" if config(network)["transformer_lens"] else "no"
    row = {"folder": f"`{network.task}/{network.model}`", "seeds": n_seeds, "TransformerLens": lens}
    trained = ("steps", "learning_rate", "weight_decay")
    shown = ("attention", "n_layers", "n_heads", "d_model", "d_mlp", "layer_norm", *trained)
    if "weights" in own:
        own = (
            own | dict.fromkeys(trained, "") | {"steps": "trained elsewhere, under its own licence"}
        )
    return row | {key: own[key] for key in shown}
