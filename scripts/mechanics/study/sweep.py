"""A sweep: a model for every combination of a few settings' values, from one key of the config.

Imports neither torch nor pandas: the Snakefile uses it.
"""

from itertools import product


def spelled_out(config: dict) -> dict:
    """The config with every sweep's models written out, and stacks of the size for its device.

    A model of a sweep is a variant of ``of`` and is called after what it changes; the combination
    that ``of`` has itself is that model. ``device: auto`` counts as the CPU: whether there is a GPU
    is only known where a job runs.

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
    for task in ("linear_regression", "modular_addition"):
        section = config.get(task)
        if not section:
            continue
        models = {name: _cut(model, kind) for name, model in section["models"].items()}
        models |= _models(section)
        result[task] = section | {"defaults": _cut(section["defaults"], kind), "models": models}
    return result


def _cut(entry: dict | None, kind: str) -> dict | None:
    """A model entry whose stack is the one for this kind of device."""
    if entry is None or not isinstance(entry.get("stack"), dict):
        return entry
    return entry | {"stack": entry["stack"][kind]}


def _models(section: dict) -> dict[str, dict]:
    sweep = section.get("sweep")
    if not sweep:
        return {}
    varied = {key: values for key, values in sweep.items() if key != "of"}
    own = section | section["defaults"] | section["models"][sweep["of"]]
    found = {}
    for values in product(*varied.values()):
        changes = dict(zip(varied, values, strict=True))
        if any(own[key] != value for key, value in changes.items()):
            name = "_".join([sweep["of"], *(f"{key}{value}" for key, value in changes.items())])
            found[name] = {"variant_of": sweep["of"], **changes}
    return found
