"""A wrong config is refused before any work, by one message: file, key, value, expectation."""

import datetime
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from mechanics.settings import ConfigError, read_yaml
from mechanics.study import config_checks, config_tables, keys
from mechanics.study.config import load, merge, models

ROOT = Path(__file__).parents[2]
STUDY = str(ROOT / "config" / "config.yaml")


def sources(files: list[str]) -> dict[str, dict]:
    return {file: read_yaml(file) for file in files}


def check(tmp_path, changes: dict) -> None:
    overlay = tmp_path / "changes.yaml"
    overlay.write_text(yaml.safe_dump(changes))
    files = [STUDY, str(overlay)]
    config_checks.check(load(files) | {"results_folder": str(tmp_path)}, sources(files))


def regression(**changes) -> dict:
    return {"linear_regression": changes}


def addition(**changes) -> dict:
    return {"modular_addition": changes}


def one_model(**changes) -> dict:
    return addition(models={"softmax_L1": changes})


BAD = {
    "unknown key": ({"stduy": "full"}, "stduy = .*no such key"),
    "unknown key in a model": (one_model(setps=3), "softmax_L1.setps = 3: expected no such key"),
    "wrong type": (addition(p="113"), 'modular_addition.p = "113": expected an odd prime'),
    "wrong type in a model": (one_model(steps=1.5), "steps = 1.5: expected a whole number"),
    "p not prime": (addition(p=111), "modular_addition.p = 111: expected an odd prime"),
    "fraction of 1": (addition(train_fraction=1), "train_fraction = 1: expected .*between 0 and 1"),
    "fraction of 0": (addition(train_fraction=0), "train_fraction = 0: expected .*between 0 and 1"),
    "no seed": (one_model(seeds=[]), r"seeds = \[\]: expected a list .*not empty"),
    "seed given twice": (one_model(seeds=[1, 1]), r"seeds = \[1, 1\]: expected .*different"),
    "variant of nothing": (
        one_model(variant_of="softmax"),
        'variant_of = "softmax": expected a model that is no variant itself: .*linear_L1',
    ),
    "variant of a variant": (
        addition(models={"other": {"variant_of": "softmax_L1_wd0"}}),
        'other.variant_of = "softmax_L1_wd0": expected a model that is no variant',
    ),
    "k_min > k_max": (regression(k_min=60), "k_min = 60: expected at most k_max = 50"),
    "heads": (one_model(n_heads=3), "n_heads = 3: expected a divisor of d_model = 128"),
    "late checkpoint": (
        one_model(checkpoints_at={"also": [30000]}),
        r"checkpoints_at.also = \[30000\]: expected no checkpoint beyond the last step, 25000",
    ),
    "heads in the defaults": (
        addition(defaults={"n_heads": 3}),
        "modular_addition.defaults.n_heads = 3: expected a divisor of d_model",
    ),
    "float for an integer": (addition(p=113.0), "p = 113.0: expected an odd prime"),
    "infinite rate": (one_model(learning_rate=float("inf")), "learning_rate = Infinity: expected"),
    "rate as text": (one_model(learning_rate="1e-3"), "expected a finite number.*write 1.0e-3"),
    "no neurons": (one_model(d_mlp=0), "d_mlp = 0: expected a whole number of at least 1"),
    "unknown dtype": (one_model(mlp_dtype="half"), 'mlp_dtype = "half": expected float32 or bfl'),
    "held norm and weight decay": (
        one_model(norm="held"),
        'norm = "held": expected free, or weight_decay 0 in place of 1.0',
    ),
    "held norm and fixed norm": (
        one_model(norm="held", weight_decay=0.0, after_memorising="fixed_norm"),
        'norm = "held": expected free, or after_memorising keep in place of',
    ),
    "held norm and initial norm": (
        one_model(norm="held", weight_decay=0.0, after_memorising="initial_norm"),
        'norm = "held": expected free, or after_memorising keep in place of',
    ),
    "no epsilon": (one_model(epsilon=0.0), "epsilon = 0.0: expected a .* above 0"),
    "negative temperature": (
        one_model(temperature=-1.0),
        "temperature = -1.0: expected a .* above",
    ),
    "restart of a cycle": (
        one_model(restart_at=100, schedule="one_cycle"),
        "restart_at = 100: expected null, or the schedule constant",
    ),
    "unknown operation": (
        one_model(operation="divide"),
        'operation = "divide": expected add, subtract or multiply',
    ),
    "held norm of zero": (one_model(norm_factor=0.0), "norm_factor = 0.0: expected a .* above 0"),
    "negative norm": (one_model(norm_factor=-1.0), "norm_factor = -1.0: expected a .* above 0"),
    "token without skips": (
        regression(models={"linear_L1": {"skip_connections": False}}),
        "skip_connections = false: expected true, because d_model is token",
    ),
    "moments of two heads": (
        regression(models={"linear_L6": {"n_heads": 2}}),
        "n_heads = 2: expected 1, because trained_on is moments",
    ),
    "few tasks of moments": (
        regression(models={"linear_L6": {"n_tasks": 4}}),
        "n_tasks = 4: expected null, because trained_on is moments",
    ),
    "zeros under softmax": (
        regression(models={"softmax_L1": {"standard_tokens": True}}),
        "standard_tokens = true: expected false, because softmax",
    ),
    "unequal strata": (
        regression(models={"linear_L6": {"strata": 7}}),
        "strata = 7: expected a divisor of prompts_per_step = 128",
    ),
    "strata of prompts": (
        regression(models={"linear_L6": {"trained_on": "prompts", "strata": 4}}),
        "strata = 4: expected null, or one_length_per_step true, because trained_on is prompts",
    ),
    "Muon of tokens": (
        regression(models={"linear_L6": {"muon_learning_rate": 0.02}}),
        "muon_learning_rate = 0.02: expected null, or d_model a number .* of token and 0.0",
    ),
    "Muon with decay": (
        regression(models={"deep_L6": {"muon_learning_rate": 0.02, "weight_decay": 0.1}}),
        "muon_learning_rate = 0.02: expected null, .* weight_decay 0, in place of 64 and 0.1",
    ),
    "name of the published": ({"study": "published"}, "expected another name than that of the pub"),
    "a date": ({"study": datetime.date(2026, 5, 1)}, 'study = "2026-05-01": expected a safe file'),
    "no track": (
        {"linear_regression": None, "modular_addition": None},
        "linear_regression = .*: expected linear_regression or modular_addition",
    ),
    "unsafe model name": (
        addition(models={"../x": {}}),
        r"modular_addition.models.\.\./x = .*: expected a safe file name",
    ),
    "unsafe study name": ({"study": "a/b"}, 'study = "a/b": expected a safe file name'),
    "token stream with an MLP": (
        regression(models={"linear_L1": {"d_mlp": 8}}),
        "linear_L1.d_mlp = 8: expected 0, because d_model is token",
    ),
    "k that is not stored": (
        regression(tabulated_at=[7]),
        r"tabulated_at = \[7\]: expected lengths among evaluation.context_lengths",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_value_is_named(tmp_path, name):
    changes, message = BAD[name]
    with pytest.raises(ConfigError, match=message) as error:
        check(tmp_path, changes)
    assert str(error.value).startswith(str(tmp_path / "changes.yaml"))


def test_a_value_from_the_command_line_is_named_as_such():
    given = {"modular_addition": {"p": 12}}
    with pytest.raises(ConfigError, match="^--config: modular_addition.p = 12: expected an odd"):
        config_checks.check(merge(load([STUDY]), given), sources([STUDY]) | {"--config": given})


def test_value_missing_in_entry_and_defaults_is_named(tmp_path):
    config = load([STUDY])
    del config["modular_addition"]["defaults"]["steps"]
    del config["modular_addition"]["models"]["linear_L1"]
    config["results_folder"] = str(tmp_path)
    with pytest.raises(ConfigError, match="softmax_L1.steps = .absent.: expected a value"):
        config_checks.check(config, sources([STUDY]))


def test_results_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    config = load([STUDY]) | {"results_folder": str(tmp_path / "taken")}
    with pytest.raises(ConfigError, match="results_folder = .*: expected a folder that can be"):
        config_checks.check(config, sources([STUDY]))


def test_unwritable_results_folder_is_refused(tmp_path, monkeypatch):
    # root, who may run the tests, may write anywhere: the answer of the system is put in its mouth
    monkeypatch.setattr(config_checks.os, "access", lambda path, mode: False)
    config = load([STUDY]) | {"results_folder": str(tmp_path)}
    with pytest.raises(ConfigError, match="results_folder = .*: expected a folder that can be"):
        config_checks.check(config, sources([STUDY]))


@pytest.mark.parametrize("overlay", ["config.yaml", "quick.yaml", "operations.yaml"])
def test_own_configs_are_right(overlay):
    paths = [STUDY, str(ROOT / "config" / overlay)]
    config_checks.check(load(paths), sources(paths))


def test_one_track_alone_is_a_study(tmp_path):
    check(tmp_path, {"linear_regression": None})


def test_model_set_to_null_is_left_out(tmp_path):
    changes = addition(models=dict.fromkeys(["deep_L6", "deep_L6_wide", "deep_L6_one_layer"]))
    check(tmp_path, changes)
    section = merge(load([STUDY]), changes)["modular_addition"]
    assert "linear_L1" in models(section)
    assert "deep_L6" not in models(section)


def test_a_variant_is_not_left_without_its_model(tmp_path):
    with pytest.raises(ConfigError, match='wd0.variant_of = "softmax_L1": expected a model that'):
        check(tmp_path, addition(models={"softmax_L1": None}))


def test_tables_of_the_readme_are_those_of_the_keys():
    text = config_tables.README.read_text()
    assert config_tables.filled(text) == text, "make format prints the tables anew"
    kinds = [kind for kind in vars(keys).values() if hasattr(kind, "model_fields")]
    missing = {name for kind in kinds for name in kind.model_fields if f"{name}` |" not in text}
    assert missing == {"defaults", "models"}  # told in the text


def imported(**entry) -> dict:
    return addition(models={"theirs": entry})


IMPORTS = {
    "no file": (imported(weights="none.pth"), 'weights = "none.pth": expected a file that can be'),
    "a folder": (imported(weights="."), "weights = .*: expected a file that can be read"),
    "home": (imported(weights="~/x.pth"), "weights = .*: expected a path written out"),
    "not text": (imported(weights=3), "weights = 3: expected a file of weights"),
    "another p": (
        imported(weights="p7.safetensors"),
        "a network of p = 113, 114 tokens; its embed.W_E is 8 × 4",
    ),
    "training": (
        imported(weights="any.pth", steps=3),
        "theirs.steps = 3: expected no such key beside weights, which are not trained; known here",
    ),
    "format": (imported(weights="any.pth", format="pt"), 'format = "pt": expected auto, lens3'),
    "attention": (
        regression(models={"theirs": {"weights": "any.pth", "n_layers": 1, "d_model": "token"}}),
        "theirs.attention = .absent.: expected a value",
    ),
    "a variant": (
        addition(models={"theirs": {"weights": "any.pth"}, "other": {"variant_of": "theirs"}}),
        'other.variant_of = "theirs": expected a model that is no variant',
    ),
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "any.pth").write_bytes(b"what is in it is known to the job that reads it")
    save_file({"embed.W_E": torch.zeros(8, 4)}, "p7.safetensors")


@pytest.mark.parametrize("name", IMPORTS)
def test_weights_that_cannot_be_imported_are_named(tmp_path, files, name):
    changes, message = IMPORTS[name]
    with pytest.raises(ConfigError, match=message):
        check(tmp_path, changes)


def test_weights_alone_are_no_study(tmp_path, files):
    none = dict.fromkeys(load([STUDY])["modular_addition"]["models"])
    changes = addition(models=none | {"theirs": {"weights": "any.pth"}}, grid=None)
    with pytest.raises(ConfigError, match="models = .*: expected at least one model that is train"):
        check(tmp_path, changes)


def test_weights_of_others_are_a_model(tmp_path, files):
    check(tmp_path, imported(weights="any.pth", n_heads=4))


@pytest.mark.parametrize("folder", ["~/x", "$HOME/x"])
def test_a_folder_that_only_a_shell_understands_is_refused(folder):
    config = load([STUDY]) | {"results_folder": folder}
    with pytest.raises(ConfigError, match="results_folder = .*: expected a folder written out"):
        config_checks.check(config, sources([STUDY]))
