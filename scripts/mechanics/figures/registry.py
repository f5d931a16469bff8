"""Every figure, and the tables that it is drawn from, in the order of its function's arguments.

A figure is a module of this folder with its name: the function of that name draws it, the
docstring of the module is its title and caption. Imports no library: the Snakefile reads it.
"""

import ast
from pathlib import Path

HISTORY = "history"  # of every run, in one table
REPORT = "report_"  # how the names of the report's figures begin: strips of panels of the others
FIGURES = {
    "linear_regression": {
        "regression_learning_curves": [HISTORY, "regression_risk"],
        "regression_risk_by_context": ["regression_risk"],
        "effective_weights": ["effective_weights"],
        "algorithm_match": ["algorithm_match", "algorithm_match_by_step"],
        "spectral_filter": ["spectral_filter_curves", "spectral_filter"],
        "training_theory": ["training_theory_curves", "training_theory"],
        "attention_maps_regression": ["attention_match", "attention_examples", "query_key"],
        "depth_bracket": ["regression_risk", "layer_readout"],
        "kernel_smoother": ["kernel_smoother"],
        "rank_collapse": ["rank_collapse"],
        "regression_generalisation": ["regression_generalisation"],
        "regression_emergence": ["emergence", "emergence_curves"],
        "report_regression": ["regression_risk", "effective_weights", "algorithm_match"],
    },
    "modular_addition": {
        "grokking_curves": [HISTORY, "grokking"],
        "progress_measures": ["progress_measures", "excluded_loss"],
        "weight_norm": ["progress_measures", "grokking"],
        "weight_decay_survival": ["grokking"],
        "embedding_spectrum": ["embedding", "circuit"],
        "embedding_svd": ["embedding", "circuit"],
        "embedding_circles": ["embedding", "embedding_circles"],
        "neuron_frequencies": ["neuron_frequencies", "circuit"],
        "logit_identities": ["logit_identities", "circuit"],
        "phase_law": ["phase_law", "neuron_phases"],
        "neuron_patching": ["neuron_patching", "patching_groups"],
        "frequency_ablation": ["frequency_ablation"],
        "embedding_ablation": ["embedding_ablation"],
        "parsimony": ["parsimony"],
        "sum_in_stream": ["sum_in_stream", "sum_exchange"],
        "attention_maps_addition": ["attention_addition", "attention_maps"],
        "weight_decay_circuit": ["grokking", "circuit"],
        "norm_dose_response": ["norm_dose"],
        "norm_and_scale": ["norm_dose"],
        "report_addition": ["progress_measures", "embedding", "circuit", "grokking"],
        "report_cause": ["frequency_ablation", "patching_groups", "parsimony", "grokking"],
    },
}
OF_A_SWEEP = {"grokking_sweep": ["grokking"]}


def module(name: str) -> Path:
    """The module of a figure."""
    return Path(__file__).with_name(f"{name}.py")


def title(name: str) -> str:
    """A few words: the first line of the module's docstring."""
    return _docstring(name)[0].rstrip(".")


def caption(name: str) -> str:
    """What is in the figure and how to read it, as reStructuredText."""
    return "\n".join(_docstring(name)[1:]).strip()


def _docstring(name: str) -> list[str]:
    return ast.get_docstring(ast.parse(module(name).read_text("utf-8"))).splitlines()
