"""The slices that the config is cut into."""

from pathlib import Path

from mechanics.config import load, model_entry, training_settings

STUDY = str(Path(__file__).parents[1] / "config" / "config.yaml")


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
