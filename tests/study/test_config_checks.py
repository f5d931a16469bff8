"""A wrong config is refused before any work, by one message: file, key, value, expectation."""

import datetime
import json
import re
from pathlib import Path

import pytest
import torch
import yaml
from helpers import STUDY
from safetensors.torch import save_file

from mechanics.settings import ConfigError, read_yaml
from mechanics.study import config_checks, config_tables, keys
from mechanics.study.config import load, merge, models


def sources(files: list[str]) -> dict[str, dict]:
    return {file: read_yaml(file) for file in files}


def check(tmp_path, changes: dict) -> None:
    overlay = tmp_path / "changes.yaml"
    overlay.write_text(yaml.safe_dump(changes))
    files = [STUDY, str(overlay)]
    config_checks.check(load(files) | {"results_folder": str(tmp_path)}, sources(files))


SOFTMAX, ADDITION = "modular_addition.models.softmax_L1", "modular_addition.models"
REGRESSION, THEIRS = "linear_regression.models", "modular_addition.models.theirs"
L1, L6, DEEP = (f"{REGRESSION}.{name}" for name in ("linear_L1", "linear_L6", "deep_L6"))
ABSENT, THERE = "(absent)", {"weights": "any.pth"}
HELD, FIXED = {"weight_decay": 0.0}, {"after_memorising": "fixed_norm"}
INITIAL = {"after_memorising": "initial_norm"}
SWEEP, OF, DECAY = "modular_addition.sweep", {"of": "softmax_L1"}, {"weight_decay": [0.0, 1.0]}
BAD = [  # the key and its value, what is expected there, and what is set beside the key
    ("stduy", "full", "no such key"),
    (f"{SOFTMAX}.setps", 3, "no such key"),
    ("modular_addition.p", "113", "an odd prime"),
    ("modular_addition.p", 113.0, "an odd prime"),
    ("modular_addition.p", 111, "an odd prime"),
    (f"{SOFTMAX}.steps", 1.5, "a whole number"),
    ("modular_addition.train_fraction", 1, ".*between 0 and 1"),
    ("modular_addition.train_fraction", 0, ".*between 0 and 1"),
    (f"{SOFTMAX}.seeds", [], "a list .*not empty"),
    (f"{SOFTMAX}.seeds", [1, 1], ".*different"),
    (f"{SOFTMAX}.variant_of", "softmax", "a model that is no variant itself: .*linear_L1"),
    (f"{ADDITION}.other.variant_of", "softmax_L1_wd0", "a model that is no variant"),
    ("modular_addition.only", ["softmax_L1", "softmax"], "names of models: softmax_L1, "),
    ("modular_addition.only", ["softmax_L1_wd0"], "at least one model that is no variant"),
    ("linear_regression.k_min", 60, "at most k_max = 50"),
    (f"{SOFTMAX}.n_heads", 3, "a divisor of d_model = 128"),
    ("modular_addition.defaults.n_heads", 3, "a divisor of d_model"),
    (f"{SOFTMAX}.checkpoints_at.also", [30000], "no checkpoint beyond the last step, 25000"),
    (f"{SOFTMAX}.learning_rate", float("inf"), "a finite number"),
    (f"{SOFTMAX}.learning_rate", "1e-3", "a finite number.*write 1.0e-3"),
    (f"{SOFTMAX}.learning_rate", "1.0e3", "a finite number.*write .*1.0e.3"),
    (f"{SWEEP}.weight_decay", ["1e-3", 1.0], "a list of different.*write 1.0e-3", OF),
    (f"{SOFTMAX}.d_mlp", 0, "a whole number of at least 1"),
    (f"{SOFTMAX}.mlp_dtype", "half", "float32 or bfloat16"),
    (f"{SOFTMAX}.norm", "held", "free, or weight_decay 0 in place of 1.0"),
    (f"{SOFTMAX}.norm", "held", "free, or after_memorising keep in place of", HELD | FIXED),
    (f"{SOFTMAX}.norm", "held", "free, or after_memorising keep in place of", HELD | INITIAL),
    (f"{SOFTMAX}.epsilon", 0.0, "a .* above 0"),
    (f"{SOFTMAX}.temperature", -1.0, "a .* above 0"),
    (f"{SOFTMAX}.restart_at", 9, "null, or the schedule constant", {"schedule": "one_cycle"}),
    (f"{SOFTMAX}.operation", "divide", "add, subtract or multiply"),
    (f"{SOFTMAX}.norm_factor", 0.0, "a .* above 0"),
    (f"{L1}.skip_connections", False, "true, because d_model is token"),
    (f"{L1}.d_mlp", 8, "0, because d_model is token"),
    (f"{L6}.n_heads", 2, "1, because trained_on is moments"),
    (f"{L6}.n_tasks", 4, "null, because trained_on is moments"),
    (f"{REGRESSION}.softmax_L1.standard_tokens", True, "false, because softmax"),
    (f"{L6}.strata", 7, "a divisor of prompts_per_step = 128"),
    (f"{L6}.strata", 4, "null, or one_length_per_step true", {"trained_on": "prompts"}),
    (f"{L6}.muon_learning_rate", 0.02, "null, or d_model a number .* of token and 0.0"),
    (f"{DEEP}.muon_learning_rate", 0.02, "null, .* place of 64 and 0.1", {"weight_decay": 0.1}),
    ("linear_regression.tabulated_at", [7], "lengths among evaluation.context_lengths"),
    ("study", "published", "another name than that of the published"),
    ("study", datetime.date(2026, 5, 1), "a safe file name"),
    ("study", "a/b", "a safe file name"),
    (f"{ADDITION}.a/b", {}, "a safe file name"),
    ("linear_regression", None, "linear_regression or modular", {"modular_addition": None}),
    # models written out from a few values, and stacks
    (f"{SWEEP}.of", "softmax", "a model that is no variant itself", DECAY),
    (f"{SWEEP}.of", "softmax_L1_wd0", "a model that is no variant itself", DECAY),
    (f"{SWEEP}.weight_decay", [-1.0], "a list of .* at least 0", OF),
    (f"{SWEEP}.train_fraction", 0.5, "a list of different", OF),
    (f"{SWEEP}.train_fraction", [1e-6], "at least one of", OF),
    (f"{SWEEP}.n_layers", [1], "no such key; known here: .*weight_decay", OF | DECAY),
    ("modular_addition.defaults.stack", {"cpu": 1}, ".* or {cpu: 1, cuda: 64} for each device"),
    # networks that others have trained
    (f"{THEIRS}.weights", "none.pth", "a file that can be read"),
    (f"{THEIRS}.weights", "~/x.pth", "a path written out"),
    (f"{THEIRS}.weights", 3, "a file of weights"),
    (f"{THEIRS}.weights", "p7.safetensors", "a network of p = 113, 114 .* its embed.W_E is 8 × 4"),
    (f"{THEIRS}.steps", 3, "no such key beside weights, .*not trained; known here", THERE),
    (f"{THEIRS}.format", "pt", "auto, lens3", THERE),
    (f"{REGRESSION}.theirs.attention", ABSENT, "a value", THERE | {"n_layers": 1, "d_model": 4}),
]


def nested(key: str, value) -> dict:
    """A config with this value alone, the places of the keys in which it lies parted by dots."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "any.pth").write_bytes(b"what is in it is known to the job that reads it")
    save_file({"embed.W_E": torch.zeros(8, 4)}, "p7.safetensors")


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case[0]}={case[1]}")
def test_bad_value_is_named_with_its_file_and_key_and_what_was_expected(tmp_path, files, case):
    key, value, expected, *beside = case
    above, _, name = key.rpartition(".")
    own = {name: value} | (beside[0] if beside else {})
    if value == ABSENT:
        del own[name]
    shown = value if value == ABSENT else json.dumps(value, default=str)
    with pytest.raises(ConfigError) as error:
        check(tmp_path, nested(above, own) if above else own)
    said = f"{tmp_path / 'changes.yaml'}: {key} = {shown}: expected "
    assert str(error.value).startswith(said)
    assert re.match(expected, str(error.value).removeprefix(said))


def test_a_value_from_the_command_line_is_named_as_such():
    given = {"modular_addition": {"p": 12}}
    with pytest.raises(ConfigError, match="^--config: modular_addition.p = 12: expected an odd"):
        config_checks.check(merge(load([STUDY]), given), sources([STUDY]) | {"--config": given})


def test_value_missing_in_entry_and_defaults_is_named(tmp_path):
    config = load([STUDY]) | {"results_folder": str(tmp_path)}
    del config["modular_addition"]["defaults"]["steps"]
    config["modular_addition"] |= {"only": ["softmax_L1"], "grid": None}
    with pytest.raises(ConfigError, match="softmax_L1.steps = .absent.: expected a value"):
        config_checks.check(config, sources([STUDY]))


def test_results_folder_that_cannot_be_is_refused(files, monkeypatch):
    def refused(folder: str, expected: str) -> None:
        config = load([STUDY]) | {"results_folder": folder}
        with pytest.raises(ConfigError, match=f"results_folder = .*: expected a folder {expected}"):
            config_checks.check(config, sources([STUDY]))

    refused("~/x", "written out")
    refused("$HOME/x", "written out")
    refused("any.pth", "that can be written")
    # root, who may run the tests, may write anywhere: the system's answer is put in its mouth
    monkeypatch.setattr(config_checks.os, "access", lambda path, mode: False)
    refused("forbidden", "that can be written")


@pytest.mark.parametrize("overlay", ["quick.yaml", "operations.yaml"])
def test_configs_laid_over_the_study_are_right(overlay):
    paths = [STUDY, str(Path(STUDY).with_name(overlay))]
    config_checks.check(load(paths), sources(paths))


@pytest.mark.parametrize(
    "left_out",
    [
        {"models": dict.fromkeys(["deep_L6", "deep_L6_wide", "deep_L6_one_layer"])},
        {"only": ["softmax_L1", "linear_L1"], "grid": None},
    ],
)
def test_a_track_or_a_model_that_is_null_or_not_wanted_is_left_out(tmp_path, left_out):
    changes = {"linear_regression": None, "modular_addition": left_out}
    check(tmp_path, changes)
    section = merge(load([STUDY]), changes)["modular_addition"]
    assert "linear_L1" in models(section)
    assert "deep_L6" not in models(section)


def test_tables_of_the_readme_are_those_of_the_keys():
    text = config_tables.README.read_text()
    assert config_tables.filled(text) == text, "make format prints the tables anew"
    kinds = [kind for kind in vars(keys).values() if hasattr(kind, "model_fields")]
    missing = {name for kind in kinds for name in kind.model_fields if f"{name}` |" not in text}
    assert missing == {"defaults", "models", "only"}  # told in the text


def test_weights_of_others_are_a_model_but_no_study_and_none_that_others_vary(tmp_path, files):
    theirs = {"theirs": {"weights": "any.pth", "n_heads": 4}}
    check(tmp_path, nested(ADDITION, theirs))
    with pytest.raises(ConfigError, match='other.variant_of = "theirs": expected a model that is'):
        check(tmp_path, nested(ADDITION, theirs | {"other": {"variant_of": "theirs"}}))
    with pytest.raises(ConfigError, match='wd0.variant_of = "softmax_L1": expected a model that'):
        check(tmp_path, nested(SOFTMAX, None))
    none = dict.fromkeys(load([STUDY])["modular_addition"]["models"])
    alone = {"modular_addition": {"models": none | theirs, "grid": None}}
    with pytest.raises(ConfigError, match="models = .*: expected at least one model that is train"):
        check(tmp_path, alone)
