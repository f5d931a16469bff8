"""The config: read from its files, its sweeps spelled out, cut into what each training depends on.

A sweep is a model for every combination of a few settings' values, from one key: ``sweep`` is a
study of its own, ``grid`` stands beside a study's models.

Imports neither torch nor pandas: the Snakefile reads this at every start.
"""

from functools import reduce
from itertools import product
from typing import NamedTuple

from mechanics.settings import ConfigError, read_yaml

TASKS = ("linear_regression", "modular_addition")
SHARED_SETTINGS = {  # what every training of a task depends on, beside its model entry
    "linear_regression": ("d", "k_min", "k_max"),
    "modular_addition": ("p", "train_fraction"),
}
# A network that is not trained: one replica, of which nothing is followed.
UNTRAINED = {"seeds": [0], "stack": 1, "checkpoints_at": None, "train_fraction": None}
FRACTION_MARK = "_fraction"
# What the names of the splits end with that are of another operation or fraction.
SPLIT_MARK = f"(_subtract|_multiply)?({FRACTION_MARK}[0-9.e-]+)?"
# They say which replicas there are and what they are compared with, not what one is.
NOT_SETTINGS = ("seeds", "stack", "variant_of")
SAME = ("seeds", "stop_after_grokking")  # of all variants of a sweep, and no part of their names
MACHINE = ("device", "threads_per_training", "results_folder", "takes")  # where, and how long


def load(paths: list[str]) -> dict:
    """Read config files, each overriding the ones before it, as ``snakemake --configfile`` does.

    Sweeps are not spelled out yet (``spelled_out``). Raises ConfigError if a file is missing
    or not YAML.
    """
    return reduce(merge, map(read_yaml, paths), {})


def merge(base: dict, changes: dict) -> dict:
    """``base`` with ``changes`` laid over it, dict by dict.

    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    """
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = merge(base[key], value) if both else value
    return result


def models(section: dict) -> list[str]:
    """Names of the models of a task, in order: of those that ``only`` lists, or all, without nulls.

    >>> listed = {"models": {"a": {}, "b": {}, "c": None}}
    >>> models(listed), models(listed | {"only": ["b", "c"]})
    (['a', 'b'], ['b'])
    """
    kept = section.get("only") or section["models"]
    return [n for n, entry in section["models"].items() if entry is not None and n in kept]


def is_imported(section: dict, name: str) -> bool:
    """Whether a model is a file of weights, and no training: an entry with ``weights``."""
    return "weights" in section["models"][name]


NETWORK = {"attention", "n_layers", "n_heads", "d_model", "d_mlp", "layer_norm", "operation"}


def variants(section: dict) -> dict[str, str]:
    """The model under which each variant stands in tables, by the variant's name.

    The one that it varies, or itself if it is another network, or of another operation: a control.
    """
    return {
        name: name if NETWORK & set(own) else own["variant_of"]
        for name in models(section)
        if "variant_of" in (own := section["models"][name])
    }


def model_entry(section: dict, name: str) -> dict:
    """The settings of one model: its own over those it is a variant of, over the defaults.

    Of the defaults an imported one has none but ``measured_at``: the others are about training.
    """
    own = section["models"][name]
    if is_imported(section, name):
        shared = {key: own for key, own in section["defaults"].items() if key == "measured_at"}
        return UNTRAINED | shared | own
    base = section["models"].get(own.get("variant_of"))
    return merge(merge(section["defaults"], base or {}), own)


def blocks(section: dict, name: str) -> dict[str, list[int]]:
    """The seeds of a model, cut into the stacks that are trained together, by folder name.

    >>> blocks({"defaults": {"stack": 2}, "models": {"m": {"seeds": [0, 1, 5]}}}, "m")
    {'0-1': [0, 1], '5': [5]}
    """
    entry = model_entry(section, name)
    seeds, size = entry["seeds"], entry["stack"]
    cut = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    return {block_name(block): block for block in cut}


class Run(NamedTuple):
    """A stack of seeds of a model, which are trained and measured together."""

    task: str
    model: str
    block: str  # the name of its folder
    seeds: list[int]
    settings: dict  # all of the model's, see ``model_entry``
    is_variant: bool  # it varies another model: main tables and figures leave it out
    is_imported: bool


def runs(config: dict, task: str) -> list[Run]:
    """The runs of a task, in the order of its models."""
    section = config[task]
    return [
        Run(task, name, block, seeds, entry, "variant_of" in own, is_imported(section, name))
        for name in models(section)
        for own, entry in [(section["models"][name], model_entry(section, name))]
        for block, seeds in blocks(section, name).items()
    ]


def seeds_of_run(runs: list[Run], task: str, model: str, block: str) -> list[int]:
    """The seeds of one of these runs. Raises ConfigError, naming what there is, if it is none."""
    own = {f"{run.model}/{run.block}": run.seeds for run in runs if run.task == task}
    if f"{model}/{block}" not in own:
        raise ConfigError(f"{task}: no run {model}/{block}; expected one of {', '.join(own)}")
    return own[f"{model}/{block}"]


def block_name(seeds: list[int]) -> str:
    if seeds == list(range(seeds[0], seeds[0] + len(seeds))):
        return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]}-{seeds[-1]}"
    return "_".join(map(str, seeds))


def training_settings(config: dict, task: str, name: str) -> dict:
    """All that the training of one replica depends on, and nothing else."""
    section = config[task]
    entry = model_entry(section, name)
    shared = {key: section[key] for key in SHARED_SETTINGS[task]}
    own = {key: value for key, value in entry.items() if key not in NOT_SETTINGS}
    return {"task": task, **shared, **own}


def split_settings(config: dict, mark: str = "") -> dict:
    """What the split of the pairs depends on. ``mark``: what their names end with."""
    section = config["modular_addition"]
    shared = {key: section[key] for key in SHARED_SETTINGS["modular_addition"]}
    operation, _, fraction = mark.partition(FRACTION_MARK)
    own = {"operation": operation.removeprefix("_")} if operation else {}
    return shared | own | ({"train_fraction": float(fraction)} if fraction else {})


def split_mark(section: dict, name: str) -> str:
    """What the names of a model's splits end with: nothing if it adds, with the section's fraction.

    >>> models = {"m": {}, "other": {"operation": "multiply", "train_fraction": 0.5}}
    >>> section = {"train_fraction": 0.3, "defaults": {}, "models": models}
    >>> split_mark(section, "m"), split_mark(section, "other")
    ('', '_multiply_fraction0.5')
    """
    entry = model_entry(section, name)
    fraction = entry.get("train_fraction", section["train_fraction"])
    operation = entry.get("operation", "add")
    return ("" if operation == "add" else f"_{operation}") + (
        "" if fraction == section["train_fraction"] else f"{FRACTION_MARK}{fraction}"
    )


def of_results(config: dict) -> dict:
    """The config without what no result depends on."""
    return {key: value for key, value in config.items() if key not in MACHINE}


def spelled_out(config: dict) -> dict:
    """The config with every sweep's models written out, and stacks of the size for its device.

    A model of a sweep is ``of`` with other values, a variant of it or of what it varies, and is
    called after what it changes; a combination that the config has as a model is that model, and
    one whose name it has is what stands there, null too.
    ``device: auto`` counts as the CPU: whether there is a GPU is only known where a job runs.

    >>> section = {"train_fraction": 0.3, "defaults": {"stack": {"cpu": 1, "cuda": 64}}}
    >>> section |= {"models": {"m": {"weight_decay": 1.0}}}
    >>> section |= {"sweep": {"of": "m", "weight_decay": [0.0, 1.0], "train_fraction": [0.3]}}
    >>> result = spelled_out({"device": "cuda", "modular_addition": section})["modular_addition"]
    >>> result["models"]["m_weight_decay0.0_train_fraction0.3"]
    {'variant_of': 'm', 'weight_decay': 0.0, 'train_fraction': 0.3}
    >>> len(result["models"]), result["defaults"]["stack"]
    (2, 64)
    """
    kind = "cuda" if config.get("device") == "cuda" else "cpu"
    result = dict(config)
    for task in TASKS:
        section = config.get(task)
        if not section:
            continue
        added = _models(section)
        own = {name: _cut(model, kind) for name, model in (section["models"] | added).items()}
        result[task] = section | {"defaults": _cut(section["defaults"], kind), "models": own}
        if section.get("only"):
            result[task]["only"] = [*section["only"], *added]
    return result


def _cut(entry: dict | None, kind: str) -> dict | None:
    """A model entry whose stack is the one for this kind of device."""
    if entry is None or not isinstance(entry.get("stack"), dict):
        return entry
    return entry | {"stack": entry["stack"][kind]}


def _models(section: dict) -> dict[str, dict]:
    own = models(section)  # a grid of another one, left out here, is left out with it
    known, found = [_settings(section, name) for name in own], {}
    grids = [grid for grid in section.get("grid") or [] if grid["of"] in own]
    grids = [grid | {"checkpoints_at": [None]} for grid in grids]
    for sweep in filter(None, (section.get("sweep"), *grids)):  # of a grid the ends count
        of, entry = sweep["of"], section["models"][sweep["of"]]
        kept = entry if "variant_of" in entry else {"variant_of": of}
        kept = kept | {key: sweep[key] for key in SAME if key in sweep}
        varied = {key: own for key, own in sweep.items() if key not in ("of", *SAME)}
        for values in product(*varied.values()):
            changes = dict(zip(varied, values, strict=True))
            told = {key: value for key, value in changes.items() if value is not None}
            name = "_".join([of, *(f"{key}{value}" for key, value in told.items())])
            if name in section["models"]:
                continue
            new = {name: kept | changes}
            if _settings(section | {"models": section["models"] | new}, name) not in known:
                found |= new
    return found


def _settings(section: dict, name: str) -> dict:
    shared = {key for keys in SHARED_SETTINGS.values() for key in keys}
    entry = {key: section[key] for key in shared if key in section} | model_entry(section, name)
    return {k: own for k, own in entry.items() if k not in (*NOT_SETTINGS, "checkpoints_at")}
