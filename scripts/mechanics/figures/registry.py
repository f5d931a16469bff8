"""Every figure, and the tables that it is drawn from, in the order of its function's arguments.

A figure is a module of this folder with its name, whose function of that name draws it, and a title
with a caption beside those of the tables. Imports no library: the Snakefile reads it.
"""

from pathlib import Path

CAPTIONS = Path(__file__).parents[3] / "workflow/report"

HISTORY = "history"  # of every run, in one table
REPORT = ("one_layer", "circuit", "norm_and_scale", "sum_in_stream")  # a column wide
FIGURES = {
    "linear_regression": {
        "one_layer": ["regression_risk", "spectral_filter_curves", "spectral_filter"],
        "regression_training": [HISTORY, "regression_risk", "effective_weights"],
        "training_theory": ["training_theory_curves", "training_theory"],
        "risk_by_context": ["regression_risk"],
        "which_algorithm": ["spectral_filter_curves", "spectral_filter", "algorithm_match"],
        "attention_maps_regression": [
            *("attention_match", "attention_examples", "attention_matrix"),
            *("query_key", "kernel_smoother"),
        ],
        "rank_collapse": ["rank_collapse"],
        "regression_generalisation": ["regression_generalisation"],
        "emergence": ["emergence", "emergence_curves"],
    },
    "modular_addition": {
        "grokking_curves": [HISTORY, "grokking", "progress_measures"],
        "weight_norm": ["progress_measures", "grokking"],
        "norm_and_scale": ["norm_dose"],
        "circuit": ["embedding", "circuit", "grokking", "phase_law", "neuron_phases"],
        "embedding": ["embedding", "circuit", "embedding_circles"],
        "neurons": ["phase_law", "neuron_patching", "patching_groups"],
        "frequencies": ["frequency_ablation", "embedding_ablation", "parsimony"],
        "sum_in_stream": ["sum_in_stream", "sum_exchange"],
    },
}
OF_A_SWEEP = {"grokking_sweep": ["grokking"]}


def drawn_from(name: str) -> list[str]:
    """The tables of a figure, in the order of its function's arguments."""
    return next(own[name] for own in (*FIGURES.values(), OF_A_SWEEP) if name in own)


def caption_file(name: str) -> Path:
    """Its first line is the title, the rest (reStructuredText) what is seen and how to read it."""
    return CAPTIONS / f"{name}_figure.rst"


def title(name: str) -> str:
    return caption_file(name).read_text("utf-8").splitlines()[0].rstrip(".")


def caption(name: str) -> str:
    return caption_file(name).read_text("utf-8").partition("\n")[2].strip()
