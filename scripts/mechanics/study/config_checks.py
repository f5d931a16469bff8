"""The config is checked before any work starts: its schema, then what a schema cannot say.

Imports neither torch nor pandas: the Snakefile reads this at every start.
"""

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import yaml

from mechanics.settings import ConfigError
from mechanics.study.config import TASKS, is_variant, model_entry, models
from mechanics.study.sweep import spelled_out

# Integral floats are no integers here (range() refuses them), nan and inf no numbers.
_types = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
).redefine(
    "number",
    lambda _, value: (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    ),
)
STRICT = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=_types)

MODEL_SCHEMA = {"linear_regression": "regression_model", "modular_addition": "addition_model"}
OPTIONAL = (  # of a model
    *("variant_of", "train_fraction", "mlp_dtype"),
    *("norm", "norm_factor", "orthogonal_gradient"),
)


def check(config: dict, schema_path: Path, sources: dict[str, dict]) -> None:
    """Raise ConfigError for the first thing wrong with the config.

    ``sources`` are the contents of the files that it was merged from, by name, the last one
    winning: the message names the one in which the wrong value stands.
    """
    schema = yaml.safe_load(schema_path.read_text())
    validator = STRICT(schema)
    config = {key: value for key, value in config.items() if key not in TASKS or value is not None}
    used = config | {
        task: section | {"models": _without_null(section["models"])}
        for task, section in _sections(config)
    }
    error = jsonschema.exceptions.best_match(validator.iter_errors(used))
    if error is not None:
        _fail(config, sources, *_where(error))
    if not any(config.get(task) for task in TASKS):
        _fail(config, sources, (TASKS[0],), f"{' or '.join(TASKS)}, or both")
    definitions = {name: part.get("properties") for name, part in schema["$defs"].items()}
    for task, section in _sections(config):
        of = section.get("sweep", {}).get("of")
        mains = [name for name in models(section) if not is_variant(section, name)]
        if of is not None and of not in mains:
            expected = f"a model that is no variant itself: {', '.join(mains)}"
            _fail(config, sources, (task, "sweep", "of"), expected)
    config = spelled_out(config)
    for task in TASKS:
        for keys, expected in _problems(config.get(task), task, definitions):
            _fail(config, sources, (task, *keys), expected)
    folder = Path(config["results_folder"], config["study"])
    absolute = folder.absolute()
    existing = next(p for p in (absolute, *absolute.parents) if os.path.exists(p))
    if not (os.path.isdir(existing) and os.access(existing, os.W_OK)):
        _fail(config, sources, ("results_folder",), f"a folder that can be written ({existing})")


def _sections(config: dict) -> list[tuple[str, dict]]:
    """The tasks whose section has models, as far as the schema has not been asked yet."""
    found = [(task, config.get(task)) for task in TASKS]
    return [
        (task, section)
        for task, section in found
        if isinstance(section, dict) and isinstance(section.get("models"), dict)
    ]


def _without_null(entries: dict) -> dict:
    return {name: entry for name, entry in entries.items() if entry is not None}


def _where(error) -> tuple[tuple, str]:
    """Keys down to the offending value, and what the schema expects there."""
    keys = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = sorted(set(error.instance) - set(known), key=str)
        return (*keys, unknown[0]), f"no such key; known here: {', '.join(sorted(known))}"
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return (*keys, missing[0]), "this key, which is required"
    if error.validator == "propertyNames" or "propertyNames" in error.absolute_schema_path:
        return (*keys, error.instance), error.schema["description"]
    described = error.schema.get("description")
    return keys, described or f"{error.validator}: {error.validator_value}"


def _fail(config: dict, sources: dict[str, dict], keys: tuple, expected: str) -> None:
    value: object = config
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            value = "(absent)"
    shown = value if value == "(absent)" else json.dumps(value, default=str)
    raise ConfigError(
        f"{_origin(sources, keys)}: {'.'.join(map(str, keys))} = {shown}: expected {expected}"
    )


def _origin(sources: dict[str, dict], keys: tuple) -> str:
    """The last source that sets the key, or its nearest parent."""
    found, deepest = "", -1
    for name, content in sources.items():
        level, depth = content, 0
        for key in keys:
            if not isinstance(level, dict) or key not in level:
                break
            level, depth = level[key], depth + 1
        if depth >= max(deepest, 1):
            found, deepest = name, depth
    return found or next(iter(sources))


def _problems(section: dict | None, task: str, definitions: dict) -> Iterator[tuple[tuple, str]]:
    """What a schema cannot say: (keys within the task, what was expected)."""
    if section is None:
        return
    if task == "linear_regression":
        stored = section["evaluation"]["context_lengths"]
        if section["k_min"] > section["k_max"]:
            yield ("k_min",), f"at most k_max = {section['k_max']}"
        if not set(section["tabulated_at"]) <= set(stored):
            yield ("tabulated_at",), f"lengths among evaluation.context_lengths = {stored}"
    else:
        if not is_prime(section["p"]):
            yield ("p",), "a prime number"
        if int(section["train_fraction"] * section["p"] ** 2) < 1:
            yield ("train_fraction",), f"at least one of the {section['p'] ** 2} pairs"
    for name in models(section):
        base = section["models"][name].get("variant_of")
        if base is not None and (base not in models(section) or is_variant(section, base)):
            known = ", ".join(other for other in models(section) if not is_variant(section, other))
            yield ("models", name, "variant_of"), f"a model that is no variant itself: {known}"
            return
        model = model_entry(section, name)
        needed = [key for key in definitions[MODEL_SCHEMA[task]] if key not in OPTIONAL]
        missing = [(key,) for key in needed if key not in model]
        missing = missing or [
            ("checkpoints_at", key)
            for key in definitions["checkpoints_at"]
            if key not in model["checkpoints_at"]
        ]
        if missing:
            yield ("models", name, *missing[0]), "a value, here or in defaults"
            return
        for key, expected in _model_problems(section, model, task):
            entries = [n for n in (name, base) if n and key[0] in section["models"][n]]
            yield ("models", entries[0], *key) if entries else ("defaults", *key), expected


def _model_problems(section: dict, model: dict, task: str) -> Iterator[tuple[tuple, str]]:
    """What is wrong within one model entry: (keys, what was expected)."""
    d_model, n_heads = model["d_model"], model["n_heads"]
    if d_model == "token":
        for key, nothing in (("d_mlp", 0), ("layer_norm", False)):
            if model[key]:
                yield (
                    (key,),
                    f"{json.dumps(nothing)}, because d_model is token: no MLP, no LayerNorm",
                )
    elif d_model % n_heads:
        yield ("n_heads",), f"a divisor of d_model = {d_model}"
    schedule, last = model["checkpoints_at"], model["steps"]
    for key in ("log_until", "every", "also"):
        steps = schedule[key] if key == "also" else [schedule[key]]
        if max(steps, default=0) > last:
            yield ("checkpoints_at", key), f"no checkpoint beyond the last step, {last}"
    if "train_fraction" in model and int(model["train_fraction"] * section["p"] ** 2) < 1:
        yield ("train_fraction",), f"at least one of the {section['p'] ** 2} pairs"
    yield from _held_norm_problems(model)
    if task == "linear_regression":
        yield from _regression_problems(section, model)


def _regression_problems(section: dict, model: dict) -> Iterator[tuple[tuple, str]]:
    evaluation = section["evaluation"]
    stored = evaluation["context_lengths"]
    if not set(model["measured_at"]) <= set(stored):
        yield ("measured_at",), f"lengths among evaluation.context_lengths = {stored}"
    if (model["d_max"] or section["d"]) < section["d"]:
        yield ("d_max",), f"null, or at least d = {section['d']}"
    if model["d_max"] is not None and model["d_model"] != "token":
        yield ("d_max",), "null, because d_model is not token"
    if model["n_prompts_history"] > evaluation["n_prompts"]:
        yield (
            ("n_prompts_history",),
            f"at most evaluation.n_prompts = {evaluation['n_prompts']}",
        )


def _held_norm_problems(model: dict) -> Iterator[tuple[tuple, str]]:
    if model.get("norm", "free") == "free":
        return
    if model["weight_decay"]:
        yield ("norm",), f"free, or weight_decay 0 in place of {model['weight_decay']}"
    if model["after_memorising"] == "fixed_norm":
        yield ("norm",), "free, or after_memorising keep in place of fixed_norm"


def is_prime(n: int) -> bool:
    return n > 1 and all(n % divisor for divisor in range(2, int(n**0.5) + 1))
