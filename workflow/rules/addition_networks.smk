# Track B: what its tables and figures are made of.

# A table that puts what one analysis wrote for every run into one file: that analysis, and whether
# it is made of the variants of a model, too.
GATHERED_ADDITION = {
    "progress_measures": ("progress", True),
    "excluded_loss": ("excluded", True),
    "embedding_circles": ("circles", True),
    "logit_identities": ("identities", True),
    "neuron_frequencies": ("neurons", False),
    "neuron_patching": ("patched_neurons", False),
    "patching_groups": ("patched_groups", False),
    "frequency_ablation": ("ablation", False),
    "embedding_ablation": ("embedding_ablation", False),
    "parsimony": ("parsimony", False),
    "attention_addition": ("attention", False),
    "embedding": ("embedding", False),
    "attention_maps": ("attention_maps", False),
}
TOO_LONG = (
    "embedding",
    "attention_maps",
    "excluded_loss",
    "progress_measures",
)
# Each figure's module in mechanics.figures, and the tables that it is drawn from.
ADDITION_FIGURES = {
    "progress_measures": (
        "progress_measures",
        ["progress_measures", "excluded_loss"],
    ),
    "weight_norm": ("grokking_runs", ["progress_measures", "grokking"]),
    "weight_decay_survival": ("grokking_runs", ["grokking"]),
    "embedding_spectrum": ("embedding", ["embedding", "circuit"]),
    "embedding_svd": ("embedding", ["embedding", "circuit"]),
    "embedding_circles": ("embedding", ["embedding", "embedding_circles"]),
    "neuron_frequencies": ("neuron_frequencies", ["neuron_frequencies", "circuit"]),
    "logit_identities": ("neuron_frequencies", ["logit_identities", "circuit"]),
    "neuron_patching": ("neuron_patching", ["neuron_patching", "patching_groups"]),
    "frequency_ablation": ("frequency_ablation", ["frequency_ablation"]),
    "embedding_ablation": ("embedding_ablation", ["embedding_ablation"]),
    "parsimony": ("parsimony", ["parsimony"]),
    "attention_maps_addition": (
        "attention_maps_addition",
        ["attention_addition", "attention_maps"],
    ),
    "weight_decay_circuit": ("grokking_runs", ["grokking", "circuit"]),
    "report_addition": (
        "report_addition",
        ["progress_measures", "embedding", "circuit", "grokking"],
    ),
    "report_cause": (
        "report_cause",
        ["frequency_ablation", "patching_groups", "parsimony", "grokking"],
    ),
}
OF_ALL_ARMS = (  # the others: main configurations
    "weight_norm",
    "weight_decay_survival",
    "weight_decay_circuit",
    "report_addition",
    "report_cause",
)


def addition_table(name):
    """Where a table lies: what is too long to read is kept with the analyses."""
    if name in TOO_LONG:
        return f"{RESULTS}/analysis/{name}.parquet"
    return f"{RESULTS}/tables/{name}.csv"


def gathered_addition_runs(name):
    return runs("modular_addition", "run.json", GATHERED_ADDITION[name][1])


def addition_results():
    """Tables and figures of Track B."""
    if "modular_addition" not in TASKS:
        return []
    return [
        *map(addition_table, ["grokking", "circuit", "patching_summary"]),
        # what is too long to read is made for a figure, and no result of its own
        *(addition_table(name) for name in GATHERED_ADDITION if name not in TOO_LONG),
        *figures(*ADDITION_FIGURES),
    ]
