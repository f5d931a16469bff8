"""What is measured of an addition network's final weights."""

from mechanics.tables import contents

# Each measure of analyse_addition.py, and the tables that it writes of a run.
TABLES = {
    "evaluation": ["evaluation"],
    "circuit": ["circuit", "identities", "circles", "embedding"],
    "patching": ["patched_neurons", "patched_groups"],
    "ablation": ["ablation", "parsimony"],
    "embedding_ablation": ["embedding_ablation"],
    "attention": ["attention"],
    "sum_in_stream": ["sum_in_stream", "sum_exchange"],
    "phase_law": ["phase_law", "neuron_phases"],
    "wrap_around": ["wrap_around"],
}
MODULES = {"patching": "patched", "ablation": "frequency_ablation"}  # of those named otherwise
# What one analysis wrote of every run, in one table: the analysis, and whether of variants, too.
GATHERED = {
    "progress_measures": ("progress", True),
    "embedding_circles": ("circles", True),
    "logit_identities": ("identities", True),
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
}
# The tables that are computed, by the module of mechanics.tables that makes them, and the analysis
# without which a study lacks them: all networks have what these need.
COMPUTED = {name: {name: None} for name in ("grokking", "circuit", "patching_summary")}
COMPUTED["norm_dose"] = {"norm_dose": None, "norm_laws": None}
FOLLOWED = ["progress"]  # what follow.py writes,
SNAPSHOTS = "snapshots.safetensors"
SHOWN = ["spectra", "embedding_planes", SNAPSHOTS]  # and of the networks of ``shown``, too
OF_VARIANTS = ["evaluation", "circuit", "sum_in_stream"]  # these are measured less,
OF_DOSES = ["evaluation"]  # and those that ask what decides when a network groks


def defined_for(settings: dict, variant: bool) -> list[str]:
    """The measures that a network has. Only the sum of two numbers wraps round p."""
    if variant:
        return OF_DOSES if contents.is_dose(settings) else OF_VARIANTS
    return [name for name in TABLES if name != "wrap_around" or contents.adds(settings)]


def tables_of(settings: dict, variant: bool) -> list[str]:
    """All that is measured of a run, by the names of the files."""
    final = [table for name in defined_for(settings, variant) for table in TABLES[name]]
    return final + (FOLLOWED if settings["checkpoints_at"] else [])


def shown(models: dict[str, dict], variants: set[str]) -> list[str]:
    """The networks whose training the page shows: one that it can run, and beside it the variant
    that has weight decay where this one's norm is held, or the other way round.

    ``models``: the settings of each network in the config's order; ``variants``: those that vary
    another one.
    """
    norms = {name: own.get("norm", "free") for name, own in models.items() if _runs_in_page(own)}
    own = [name for name in norms if name not in variants][:1]
    others = [name for name in norms if name in variants and own and norms[name] != norms[own[0]]]
    return own + others[:1]


def _runs_in_page(settings: dict) -> bool:
    one_layer = settings["n_layers"] == 1 and not settings["layer_norm"]
    return one_layer and settings["attention"] == "softmax" and contents.adds(settings)
