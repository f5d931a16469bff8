"""What is measured of an addition network's final weights."""

from mechanics.tables import contents

# Each measure of analyse_addition.py, and the tables that it writes of a run.
TABLES = {
    "evaluation": ["evaluation"],
    "circuit": ["circuit", "identities", "circles", "embedding", "neurons"],
    "patching": ["patched_neurons", "patched_groups"],
    "ablation": ["ablation", "parsimony"],
    "embedding_ablation": ["embedding_ablation"],
    "attention": ["attention", "attention_maps"],
    "sum_in_stream": ["sum_in_stream", "sum_exchange"],
    "phase_law": ["phase_law", "neuron_phases"],
    "wrap_around": ["wrap_around"],
}
# What one analysis wrote of every run, in one table: the analysis, and whether of variants, too.
GATHERED = {
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
    "sum_in_stream": ("sum_in_stream", True),
    "sum_exchange": ("sum_exchange", True),
    "phase_law": ("phase_law", False),
    "neuron_phases": ("neuron_phases", False),
    "wrap_around": ("wrap_around", False),
    "embedding": ("embedding", False),
    "attention_maps": ("attention_maps", False),
}
# The tables that are computed, by the module of mechanics.tables that makes them.
COMPUTED = {name: [name] for name in ("grokking", "circuit", "patching_summary")}
COMPUTED["norm_dose"] = ["norm_dose", "norm_laws"]
# What follow_addition.py writes.
FOLLOWED = ["progress", "spectra", "excluded", "embedding_planes", "embedding_trace"]
OF_VARIANTS = ("evaluation", "circuit", "sum_in_stream")  # these are measured less,
OF_DOSES = ("evaluation", "circuit")  # and those that ask what decides when a network groks


def defined_for(settings: dict, variant: bool) -> list[str]:
    """The measures that a network has."""
    if variant:
        return list(OF_DOSES if contents.is_dose(settings) else OF_VARIANTS)
    return list(TABLES)


def tables_of(settings: dict, variant: bool) -> list[str]:
    """All that is measured of a run, by the names of the files."""
    final = [table for name in defined_for(settings, variant) for table in TABLES[name]]
    return final + (FOLLOWED if settings["checkpoints_at"] else [])
