"""The slices that the config is cut into."""

from pathlib import Path

import pytest

from mechanics.settings import ConfigError, read_yaml
from mechanics.study.config import (
    load,
    model_entry,
    models,
    seeds_of_run,
    split_mark,
    split_settings,
    training_settings,
    variants,
)

STUDY = str(Path(__file__).parents[2] / "config" / "config.yaml")


def test_slice_holds_what_training_depends_on_and_no_more():
    config = load([STUDY])
    before = training_settings(config, "linear_regression", "linear_L1")
    config["modular_addition"]["p"] = 59
    config["linear_regression"]["models"]["deep_L6"]["steps"] = 1
    config["linear_regression"]["evaluation"]["n_prompts"] = 7
    assert training_settings(config, "linear_regression", "linear_L1") == before
    config["linear_regression"]["d"] = 3
    assert training_settings(config, "linear_regression", "linear_L1") != before


def test_a_variant_shares_what_it_does_not_set():
    section = {
        "defaults": {"a": 0, "b": 0, "c": 0, "seeds": [0], "stack": 1},
        "models": {"base": {"a": 1, "b": 1}, "other": {"variant_of": "base", "b": 2}},
    }
    entry = model_entry(section, "other")
    assert (entry["a"], entry["b"], entry["c"]) == (1, 2, 0)


def test_a_variant_with_another_network_stands_for_itself():
    models = {"m": {}, "m_wd0": {"variant_of": "m", "weight_decay": 0.0}}
    models["m_wide"] = {"variant_of": "m", "d_model": 128, "steps": 10}
    assert variants({"models": models}) == {"m_wd0": "m", "m_wide": "m_wide"}


def test_operations_add_networks_and_change_none():
    """Laid over the study, with splits of their own and no training of the study planned anew."""
    config, larger = load([STUDY]), load([STUDY, STUDY.replace("config.yaml", "operations.yaml")])
    section, both = config["modular_addition"], larger["modular_addition"]
    for name in models(section):
        own, again = (training_settings(c, "modular_addition", name) for c in (config, larger))
        assert own == again
        assert "operation" not in own
        assert split_mark(both, name) == ""
    added = [name for name in models(both) if name not in models(section)]
    marks = [split_mark(both, name) for name in added]
    assert marks == ["_multiply", "_subtract_fraction0.5"]
    assert all(variants(both)[name] == name for name in added)
    assert [split_settings(larger, mark) for mark in ("", *marks)] == [
        {"p": 113, "train_fraction": 0.3},
        {"p": 113, "train_fraction": 0.3, "operation": "multiply"},
        {"p": 113, "train_fraction": 0.5, "operation": "subtract"},
    ]


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (("linear_regression", "m", "0"), "linear_regression: this study has no such track"),
        (("modular_addition", "left_out", "0"), "models: left_out: .* expected one of m$"),
        (("modular_addition", "m", "7"), "m: no run 7; expected one of 0-1, 4"),
    ],
)
def test_run_that_the_config_lacks_is_named(run, message):
    models = {"m": {"seeds": [0, 1, 4], "stack": 2}, "left_out": None}
    config = {"linear_regression": None, "modular_addition": {"defaults": {}, "models": models}}
    assert seeds_of_run(config, "modular_addition", "m", "0-1") == [0, 1]
    with pytest.raises(ConfigError, match=message):
        seeds_of_run(config, *run)


def test_a_key_given_twice_is_refused_with_both_lines(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("study: a\nmodular_addition:\n  p: 7\n  models:\n    m: {p: 1}\n  p: 11\n")
    with pytest.raises(ConfigError, match="modular_addition.p stands twice, on lines 3 and 6"):
        read_yaml(str(path))
    path.write_text("study: a\nmodels: {a: &a {b: 1}, c: {<<: *a, b: 2}}\n")
    assert read_yaml(str(path))["models"]["c"] == {"b": 2}
