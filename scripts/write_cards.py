"""Write what others need beside the weights of a study: a card, and a config.json for each network.

The card says what the networks are, what was measured of them, and how TransformerLens loads them.
"""

import argparse
import json
from pathlib import Path

import pandas as pd

from mechanics.models.addition import lens_settings
from mechanics.models.weights import Network, read_network
from mechanics.runtime.files import atomic

MEASURED = ["model", "task", "metric", "value", "ci_low", "ci_high", "n_seeds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, type=Path, nargs="+")
    words = "the table comparative_metrics, as CSV"
    parser.add_argument("--compared", required=True, type=Path, help=words)
    parser.add_argument("--template", required=True, type=Path, help="the card, to be filled")
    parser.add_argument("--output", required=True, type=Path, help="README.md beside the tasks")
    arguments = parser.parse_args()
    networks = {path: read_network(path) for path in arguments.weights}
    of_models = {path.parent: network for path, network in networks.items()}
    for folder, network in of_models.items():
        with atomic(folder / "config.json") as part:
            part.write_text(json.dumps(config(network), indent=1) + "\n", "utf-8")
    rows = [described(n, sum(p.parent == f for p in networks)) for f, n in of_models.items()]
    measured = pd.read_csv(arguments.compared)[MEASURED]
    known = [p for p, n in networks.items() if n.finite and config(n)["transformer_lens"]]
    example = known[0] if known else Path("task", "model", "seed0.safetensors")
    filled = {
        "@NETWORKS@": pd.DataFrame(rows).to_markdown(index=False),
        "@MEASURED@": measured.to_markdown(index=False, floatfmt=".4g"),
        "@FOLDER@": "/".join(example.parts[-3:-1]),
        "@FILE@": example.name,
        "@P@": str(networks[example].settings["p"]) if known else "p",
    }
    text = arguments.template.read_text("utf-8")
    for name, value in filled.items():
        text = text.replace(name, value)
    with atomic(arguments.output) as part:
        part.write_text(text, "utf-8")


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
    shown = ("attention", "n_layers", "n_heads", "d_model", "d_mlp", "layer_norm")
    row |= {key: own[key] for key in shown}
    if "weights" in own:
        words = "trained elsewhere, under its own licence"
        return row | {"steps": words, "learning_rate": "", "weight_decay": ""}
    return row | {key: own[key] for key in ("steps", "learning_rate", "weight_decay")}


if __name__ == "__main__":
    main()
