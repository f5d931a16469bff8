"""The config is checked before any work starts: each value, then what no single value shows.

Imports neither torch nor pandas: the Snakefile reads this at every start.
"""

import json
import os
import re
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from mechanics.settings import ConfigError
from mechanics.study.config import TASKS, is_imported, model_entry, models, spelled_out
from mechanics.study.keys import (
    Addition,
    AdditionModel,
    Keys,
    Regression,
    RegressionModel,
    Section,
    Study,
)

Problems = Iterator[tuple[tuple, str]]  # keys down to what is wrong, and what was expected there

GIVEN = "--config"  # the source that is the command line
NESTED = "; --config gives nested values as text: write them in a file for --configfile"
TEXT = "; YAML reads 1e-3 and 1.0e3 as text: write 1.0e-3 and 1.0e+3"


def check(config: dict, sources: dict[str, dict]) -> None:
    """Raise ConfigError for the first thing wrong with the config.

    ``sources`` are the contents of the files that it was merged from, by name, the last one
    winning: the message names the one in which the wrong value stands.
    """
    for keys, expected in _problems(config):
        there = _depth(config, keys) == len(keys)
        value = reduce(getitem, keys, config) if there else None
        shown = json.dumps(value, default=str) if there else "(absent)"
        depths = {name: _depth(content, keys) for name, content in sources.items()}
        setters = [name for name, depth in depths.items() if depth == max(depths.values())]
        origin = setters[-1 if max(depths.values()) else 0]
        hint = TEXT if re.search(r'"[-+]?[\d.]+e[-+]?\d+"', shown, re.IGNORECASE) else ""
        hint = NESTED if origin == GIVEN and len(keys) > 1 else hint
        name = ".".join(map(str, keys))
        raise ConfigError(f"{origin}: {name} = {shown}: expected {expected}{hint}")


def _depth(content: object, keys: tuple) -> int:
    """How many of the keys, or of the places in lists, one below the other, are there."""
    for depth, name in enumerate(keys):
        places = range(len(content)) if isinstance(content, list) else content
        if not isinstance(places, dict | range) or name not in places:
            return depth
        content = content[name]
    return len(keys)


def _problems(config: dict) -> Problems:
    """What is wrong, the first first: what comes after it may be a consequence."""
    yield from _wrong_values(Study, config, "this key, which is required")
    study = Study.model_validate(config)
    yield from _study_problems(study)
    for task, section in study.sections().items():
        for keys, expected in _section_problems(section):
            yield (task, *keys), expected
    for view in (dict, spelled_out):  # the models of a sweep are checked as well
        whole = view(config)
        for task, section in study.sections().items():
            for name in models(whole[task]):
                if is_imported(whole[task], name):  # it has nothing of the defaults
                    for keys, expected in _import_problems(whole[task]["models"][name], section):
                        yield (task, "models", name, *keys), expected
                    continue
                entry = model_entry(whole[task], name)
                for keys, expected in _entry_problems(entry, section):
                    place = _place(config[task], name, entry.get("variant_of"), keys)
                    whose = "" if name in place else f", for {name}"
                    yield (task, *place, *keys), expected + whose


def _wrong_values(kind: type[Keys], values: dict, missing: str | None) -> Problems:
    """``missing``: what is said of a key that is not there, if one need be there."""
    try:
        kind.model_validate(values)
    except ValidationError as error:
        for found in error.errors():
            told = {"missing": missing, "value": found["msg"], "unknown": found["msg"]}
            keys = tuple(part for part in found["loc"] if part != "[key]")
            if found["type"] == "unknown":
                keys += (found["ctx"]["key"],)
            if expected := told.get(found["type"], "keys and their values"):
                yield keys, expected


def _place(section: dict, name: str, base: str | None, keys: tuple) -> tuple:
    """Where a model's setting stands: in its entry, the one that it varies, or the defaults."""
    own = [("models", name)] if name in section["models"] else [("sweep",), ("grid",)]
    places = [*own, ("models", base), ("defaults",)]
    return max(places, key=lambda place: _depth(section, (*place, *keys)) - len(place))


def _study_problems(study: Study) -> Problems:
    if study.study == "published":
        yield ("study",), "another name than that of the published results"
    if not study.sections():
        yield TASKS[:1], f"{' or '.join(TASKS)}, or both"
    if needs_shell(study.results_folder):
        yield ("results_folder",), "a folder written out: neither ~ nor $NAME is replaced here"
    folder = Path(study.results_folder, study.study).absolute()
    existing = next(path for path in (folder, *folder.parents) if os.path.exists(path))
    if not (os.path.isdir(existing) and os.access(existing, os.W_OK)):
        yield ("results_folder",), f"a folder that can be written ({existing})"


def needs_shell(path: str) -> bool:
    """Whether a path has ~ or $NAME, which only a shell replaces."""
    return bool(re.search(r"^~|\$", path))


def _model_problems(section: Section, trained: list[str], mains: list[str]) -> Problems:
    if not set(section.only or ()) <= section.models.keys():
        yield ("only",), f"names of models: {', '.join(section.models)}"
    if not trained:
        yield ("models",), "at least one model that is trained"
    if section.only and not mains:
        yield ("only",), "at least one model that is no variant"
    for name in trained:
        if name not in mains and section.models[name]["variant_of"] not in mains:
            words = f"a model that is no variant itself: {', '.join(mains)}"
            yield ("models", name, "variant_of"), words


def _section_problems(section: Section) -> Problems:
    own = {name: section.models[name] for name in models(dict(section))}
    trained = [name for name in own if "weights" not in own[name]]
    mains = [name for name in trained if "variant_of" not in own[name]]
    yield from _model_problems(section, trained, mains)
    for keys, expected in _wrong_values(section.model, section.defaults, None):
        yield ("defaults", *keys), expected  # although no model may take this default
    known = {*section.models} - {*own} | {*trained}  # a grid is left out with its model
    for place in [n for n, grid in enumerate(section.grid or []) if grid.of not in known]:
        yield ("grid", place, "of"), f"a model: {', '.join(trained)}"
    if isinstance(section, Regression):
        stored = section.evaluation.context_lengths
        if section.k_min > section.k_max:
            yield ("k_min",), f"at most k_max = {section.k_max}"
        if not set(section.tabulated_at) <= set(stored):
            yield ("tabulated_at",), f"lengths among evaluation.context_lengths = {stored}"
    else:
        if section.train_fraction * section.p**2 < 1:
            yield ("train_fraction",), f"at least one of the {section.p**2} pairs"
        if section.sweep and section.sweep.of not in mains:
            yield ("sweep", "of"), f"a model that is no variant itself: {', '.join(mains)}"
        if section.sweep and len(section.sweep.model_fields_set) < 2:
            yield ("sweep",), "a list of values of one key at least"


def _import_problems(entry: dict, section: Section) -> Problems:
    """What can be known before any job. Of a PyTorch file that is no more than its place."""
    yield from _wrong_values(section.imported, entry, "a value, of a network that is imported")
    path = Path(entry["weights"])
    if needs_shell(entry["weights"]):
        yield ("weights",), "a path written out: neither ~ nor $NAME is replaced here"
    elif not (path.is_file() and os.access(path, os.R_OK)):
        yield ("weights",), f"a file that can be read ({path.absolute()})"
    elif isinstance(section, Addition):
        shapes = _shapes(path)
        for name in shapes.keys() & {"embed.W_E", "embed.weight"}:
            if section.p + 1 not in shapes[name]:
                of_file = " × ".join(map(str, shapes[name]))
                words = f"a network of p = {section.p}, {section.p + 1} tokens; its {name} is"
                yield ("weights",), f"{words} {of_file}"


def _shapes(path: Path) -> dict[str, list[int]]:
    """The shapes that a safetensors file declares; none for a file of another kind."""
    try:
        with safe_open(path, "np") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    except SafetensorError:  # the job that reads it says what is wrong
        return {}


def _entry_problems(entry: dict, section: Section) -> Problems:
    yield from _wrong_values(section.model, entry, "a value, here or in defaults")
    model = section.model.model_validate(entry)
    if model.d_model != "token" and model.d_model % model.n_heads:
        yield ("n_heads",), f"a divisor of d_model = {model.d_model}"
    scheduled = model.checkpoints_at
    for name, steps in scheduled.model_dump(exclude={"log_spaced"}).items() if scheduled else ():
        if (max(steps, default=0) if name == "also" else steps) > model.steps:
            yield ("checkpoints_at", name), f"no checkpoint beyond the last step, {model.steps}"
    own = _regression_problems if isinstance(section, Regression) else _addition_problems
    yield from own(model, section)


def _regression_problems(model: RegressionModel, section: Regression) -> Problems:
    if model.d_model == "token":
        for name, nothing in (("d_mlp", "0"), ("layer_norm", "false")):
            if getattr(model, name):
                yield (name,), f"{nothing}, because d_model is token: no MLP, no LayerNorm"
        if not model.skip_connections:
            yield ("skip_connections",), "true, because d_model is token: the answer is in the skip"
    if (model.d_max or section.d) < section.d or (model.d_max and model.n_tasks):
        yield ("d_max",), f"null, or at least d = {section.d} and n_tasks null"
    if model.standard_tokens and model.attention != "linear":
        yield ("standard_tokens",), "false, because softmax attends to a token of zeros, too"
    if model.trained_on == "moments":
        yield from _moment_problems(model)
    if model.strata and model.prompts_per_step % model.strata:
        yield ("strata",), f"a divisor of prompts_per_step = {model.prompts_per_step}"
    if model.strata and model.trained_on == "prompts" and not model.one_length_per_step:
        yield ("strata",), "null, or one_length_per_step true, because trained_on is prompts"
    if model.muon_learning_rate and (model.d_model == "token" or model.weight_decay):
        words = "null, or d_model a number and weight_decay 0, in place of"
        found = f"{model.d_model} and {model.weight_decay}"
        yield ("muon_learning_rate",), f"{words} {found}"
    stored = section.evaluation
    if not set(model.measured_at) <= set(stored.context_lengths):
        words = f"lengths among evaluation.context_lengths = {stored.context_lengths}"
        yield ("measured_at",), words
    if model.n_prompts_history > stored.n_prompts:
        yield ("n_prompts_history",), f"at most evaluation.n_prompts = {stored.n_prompts}"


def _moment_problems(model: RegressionModel) -> Problems:
    needed = {"attention": "linear", "d_model": "token", "n_heads": 1}
    needed |= {"d_max": None, "n_tasks": None, "one_length_per_step": False}
    for name, value in needed.items():
        if getattr(model, name) != value:
            told = {None: "null", False: "false"}.get(value, value)
            yield (name,), f"{told}, because trained_on is moments"


def _addition_problems(model: AdditionModel, section: Addition) -> Problems:
    n_pairs = (section.p - (model.operation == "multiply")) ** 2
    if (model.train_fraction or section.train_fraction) * n_pairs < 1:
        yield ("train_fraction",), f"at least one of the {n_pairs} pairs"
    if model.norm == "held" and model.weight_decay:
        yield ("norm",), f"free, or weight_decay 0 in place of {model.weight_decay}"
    if model.norm == "held" and model.after_memorising in ("fixed_norm", "initial_norm"):
        yield ("norm",), f"free, or after_memorising keep in place of {model.after_memorising}"
    if model.restart_at and model.schedule != "constant":
        yield ("restart_at",), "null, or the schedule constant, which alone can warm up anew"
