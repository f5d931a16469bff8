"""The held-out prompts on which every regression network is judged, for each k."""

from pathlib import Path

from mechanics.models.prompts import sample_prompts
from mechanics.training.checkpoint import write_tensors


def prepare(settings: dict, output: Path, seed: int | None = None) -> None:
    """Safetensors k5/x, k5/y, k5/x_test, …; ``settings``: d, context_lengths, n_prompts, n_queries.

    All seeds of a study are judged on the same prompts.
    """
    tensors = {}
    for k in settings["context_lengths"]:
        # the length takes the place of the step: every k has prompts of its own
        prompts = sample_prompts(
            "evaluation", 0, k, settings["n_prompts"], k, settings["n_queries"], settings["d"]
        )
        for name in ("x", "y", "x_test", "y_test"):
            tensors[f"k{k}/{name}"] = getattr(prompts, name)[0]
    write_tensors(output, tensors, settings)
