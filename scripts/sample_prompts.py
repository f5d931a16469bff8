"""Sample the held-out prompts on which every regression network is judged, for each k."""

import argparse
from pathlib import Path

from mechanics.models.prompts import sample_prompts
from mechanics.settings import read_settings
from mechanics.training.checkpoint import write_tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON: d, context_lengths, …")
    parser.add_argument("--output", required=True, type=Path, help="safetensors: k5/x, k5/y, …")
    arguments = parser.parse_args()
    settings = read_settings(arguments.settings)
    tensors = {}
    for k in settings["context_lengths"]:
        # the length takes the place of the step: every k has prompts of its own
        prompts = sample_prompts(
            "evaluation", 0, k, settings["n_prompts"], k, settings["n_queries"], settings["d"]
        )
        for name in ("x", "y", "x_test", "y_test"):
            tensors[f"k{k}/{name}"] = getattr(prompts, name)[0]
    write_tensors(arguments.output, tensors, settings)


if __name__ == "__main__":
    main()
