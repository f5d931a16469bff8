"""A sweep: a model for every combination of a few settings' values, from one key of the config.

``sweep`` is a study of its own, ``grid`` stands beside a study's models. Imports neither torch nor
pandas: the Snakefile uses it.
"""

from itertools import product

from mechanics.study.config import NOT_SETTINGS, SHARED_SETTINGS, model_entry, models


def spelled_out(config: dict) -> dict:
    """The config with every sweep's models written out, and stacks of the size for its device.

    A model of a sweep is ``of`` with other values, a variant of it or of what it varies, and is
    called after what it changes; a combination that the config has as a model is that model.
    ``device: auto`` counts as the CPU: whether there is a GPU
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
        kept = kept | {key: sweep[key] for key in ("seeds",) if key in sweep}
        varied = {key: values for key, values in sweep.items() if key not in ("of", "seeds")}
        for values in product(*varied.values()):
            changes = dict(zip(varied, values, strict=True))
            told = {key: value for key, value in changes.items() if value is not None}
            name = "_".join([of, *(f"{key}{value}" for key, value in told.items())])
            new = {name: kept | changes}
            if _settings(section | {"models": section["models"] | new}, name) not in known:
                found |= new
    return found


def _settings(section: dict, name: str) -> dict:
    shared = {key for keys in SHARED_SETTINGS.values() for key in keys}
    entry = {key: section[key] for key in shared if key in section} | model_entry(section, name)
    return {k: own for k, own in entry.items() if k not in (*NOT_SETTINGS, "checkpoints_at")}
