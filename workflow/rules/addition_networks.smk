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
    "spectra": ("spectra", False),
    "embedding": ("embedding", False),
    "attention_maps": ("attention_maps", False),
}
TOO_LONG = (
    "spectra",
    "embedding",
    "attention_maps",
    "excluded_loss",
    "progress_measures",
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
        *map(addition_table, GATHERED_ADDITION),
        *figures(*registry.FIGURES["modular_addition"]),
    ]
