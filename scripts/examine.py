"""Examine weights of a network that others, or this project, have trained: one folder, one summary.

Reads safetensors, or a PyTorch state dict (no code in it is run), in the names of this project, of
TransformerLens 3 or 4, or of Nanda et al. 2023's saved runs. Finds the task, addition
modulo p or in-context regression, and the sizes from the shapes. What it cannot read, fold or
express, it refuses by name.

    python scripts/examine.py --weights nanda.pth --output results/examined/nanda

With --settings the weights are not examined, but become a model of a study: in our names, in the
file --model, with a run.json in the folder --output. What the settings state, p or d and sizes,
must be the file's.

    python scripts/examine.py --output results/x/runs/modular_addition/nanda/0 \\
        --model results/x/weights/modular_addition/nanda/seed0.safetensors \\
        --settings '{"task": "modular_addition", "p": 113, "weights": "nanda.pth"}'
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from mechanics.examine.formats import WeightsError
from mechanics.examine.network import OPERATIONS, Given, understand
from mechanics.runtime.device import choose_device
from mechanics.settings import ConfigError, read_settings

# Imported by name: an imported model does not depend on what measures and draws an examined one.
EXAMINED, IMPORTED = "mechanics.examine.examined", "mechanics.examine.imported"


def main() -> None:
    sys.stdout.reconfigure(errors="replace")  # a locale may lack the letters of help and verdict
    arguments = parse_arguments()
    try:
        if arguments.settings:
            settings = read_settings(arguments.settings)
            return import_module(IMPORTED).take(settings, arguments.model, arguments.output)
        choose_device("cpu")
        given = {key: getattr(arguments, key) for key in Given.__dataclass_fields__}
        understood = understand(arguments.weights, Given(**given))
        for what, how in understood.said.items():
            print(f"{what}: {how}", flush=True)
        verdict = import_module(EXAMINED).examine(understood, arguments.weights, arguments.output)
    except (ConfigError, WeightsError, OSError) as error:
        sys.exit(f"examine.py: {error}")
    print(f"verdict: {verdict}\n{arguments.output}/summary.pdf, summary.html and tables/")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--weights", type=Path, help="to be examined")
    words = "JSON: task, p or d with k_min and k_max, weights (the file), and what is stated of it"
    what.add_argument("--settings", help=words)
    words = "with --settings: …/{model}/seed0.safetensors, to be written"
    parser.add_argument("--model", type=Path, help=words)
    words = "folder of tables and summary; with --settings, of the run"
    parser.add_argument("--output", required=True, type=Path, help=words)
    words = "where shapes do not tell (TransformerLens 4)"
    parser.add_argument("--heads", type=int, help=words)
    words = "default: as this project recorded it, or add"
    parser.add_argument("--operation", choices=OPERATIONS, help=words)
    words = "default: softmax in addition; regression asks for it"
    parser.add_argument("--attention", choices=["softmax", "linear"], help=words)
    words = "there is LayerNorm, without weights of its own (TransformerLens's LNPre)"
    parser.add_argument("--layer-norm", action="store_true", help=words)
    words = "regression: fewest pairs in training, default %(default)s"
    parser.add_argument("--k-min", type=int, default=Given.k_min, help=words)
    words = "regression: most pairs in training, default %(default)s"
    parser.add_argument("--k-max", type=int, default=Given.k_max, help=words)
    arguments = parser.parse_args()
    if bool(arguments.settings) != bool(arguments.model):
        parser.error("--settings and --model go together")
    return arguments


if __name__ == "__main__":
    main()
