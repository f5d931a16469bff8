"""The slices that the config is cut into, and its sweeps, spelled out."""

import pytest
from helpers import STUDY
from test_config_checks import check

from mechanics.settings import ConfigError, read_yaml
from mechanics.study.config import (
    blocks,
    load,
    merge,
    model_entry,
    models,
    runs,
    seeds_of_run,
    spelled_out,
    split_mark,
    split_settings,
    training_settings,
    variants,
)

SWEEP = STUDY.replace("config.yaml", "sweep.yaml")


def test_slice_holds_what_training_depends_on_and_no_more():
    config = load([STUDY])
    before = training_settings(config, "linear_regression", "linear_L1")
    config["modular_addition"]["p"] = 59
    config["linear_regression"]["models"]["deep_L6"]["steps"] = 1
    config["linear_regression"]["evaluation"]["n_prompts"] = 7
    assert training_settings(config, "linear_regression", "linear_L1") == before
    config["linear_regression"]["d"] = 3
    assert training_settings(config, "linear_regression", "linear_L1") != before


def test_a_variant_shares_what_it_does_not_set_or_has_another_network_and_stands_for_itself():
    models = {"m": {"a": 1, "b": 1}, "m_wd0": {"variant_of": "m", "weight_decay": 0.0, "b": 2}}
    models["m_wide"] = {"variant_of": "m", "d_model": 128, "steps": 10}
    defaults = {"a": 0, "b": 0, "c": 0, "seeds": [0], "stack": 1}
    entry = model_entry({"defaults": defaults, "models": models}, "m_wd0")
    assert (entry["a"], entry["b"], entry["c"]) == (1, 2, 0)
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


def test_run_that_the_config_lacks_is_named():
    models = {"m": {"seeds": [0, 1, 4], "stack": 2}, "left_out": None}
    found = runs({"modular_addition": {"defaults": {}, "models": models}}, "modular_addition")
    assert seeds_of_run(found, "modular_addition", "m", "0-1") == [0, 1]
    for lacking in (("m", "7"), ("left_out", "0")):
        with pytest.raises(ConfigError, match=f"no run {'/'.join(lacking)}; .* one of m/0-1, m/4$"):
            seeds_of_run(found, "modular_addition", *lacking)


def test_a_key_given_twice_is_refused_with_both_lines(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("study: a\nmodular_addition:\n  p: 7\n  models:\n    m: {p: 1}\n  p: 11\n")
    with pytest.raises(ConfigError, match="modular_addition.p stands twice, on lines 3 and 6"):
        read_yaml(str(path))
    path.write_text("study: a\nmodels: {a: &a {b: 1}, c: {<<: *a, b: 2}}\n")
    assert read_yaml(str(path))["models"]["c"] == {"b": 2}


def test_a_sweep_has_500_runs_and_each_combination_once_and_differs_in_nothing_else():
    sweep = spelled_out(load([STUDY, SWEEP]) | {"device": "cuda"})
    section = sweep["modular_addition"]
    values = section["sweep"]
    own = {name: training_settings(sweep, "modular_addition", name) for name in models(section)}
    pairs = {(settings["weight_decay"], settings["train_fraction"]) for settings in own.values()}
    n_pairs = len(values["weight_decay"]) * len(values["train_fraction"])
    assert len(pairs) == len(own) == n_pairs
    assert sum(len(model_entry(section, name)["seeds"]) for name in own) >= 500
    name = "softmax_L1_weight_decay0.1_train_fraction0.5"
    assert own[name] == own["softmax_L1"] | {"weight_decay": 0.1, "train_fraction": 0.5}
    mark = split_mark(section, name)
    assert (mark, split_mark(section, name.replace("0.5", "0.3"))) == ("_fraction0.5", "")
    assert split_settings(sweep, mark) == {"p": 113, "train_fraction": 0.5}


@pytest.mark.parametrize(("device", "n_jobs"), [("cuda", 1), ("cpu", 14), ("auto", 14)])
def test_stack_is_that_of_the_device(device, n_jobs):
    config = spelled_out(load([STUDY, SWEEP]) | {"device": device})
    assert len(blocks(config["modular_addition"], "softmax_L1")) == n_jobs


def test_a_grid_stands_beside_the_models_and_leaves_out_what_a_model_is():
    """6 norm factors at 2 ε, two of them models with more seeds; 4 at 2 temperatures and one ε."""
    config = spelled_out(load([STUDY]))
    section = config["modular_addition"]
    held = [name for name in models(section) if name.startswith("softmax_L1_held")]
    settings = [training_settings(config, "modular_addition", name) for name in held]
    cells = {
        tuple(own[key] for key in ("norm_factor", "temperature", "epsilon")) for own in settings
    }
    assert len(held) == len(cells) == 6 * 2 + 4 * 2
    n_seeds = {name: len(model_entry(section, name)["seeds"]) for name in held}
    assert [name for name, n in n_seeds.items() if n == 5] == held[:2]
    assert sum(n_seeds.values()) == 18 * 3 + 2 * 5
    assert {variants(section)[name] for name in held} == {"softmax_L1"}
    assert all((own["norm"], own["weight_decay"]) == ("held", 0) for own in settings)


def test_few_tasks_are_a_grid_that_leaves_the_study_as_it_is():
    paths = [STUDY, STUDY.replace("config.yaml", "diversity.yaml")]
    config, more = (spelled_out(load(paths[:n])) for n in (1, 2))
    sections = [own["linear_regression"] for own in (config, more)]
    for name in models(sections[0]):
        own = training_settings(config, "linear_regression", name)
        assert not {"noise", "n_tasks"} & set(own)
        assert training_settings(more, "linear_regression", name) == own
    names = [name for name in models(sections[1]) if name.startswith("linear_L1_tasks")]
    settings = [training_settings(more, "linear_regression", name) for name in names]
    cells = {(own["noise"], own["n_tasks"]) for own in settings}
    assert len(cells) == len(names) == 2 * 9 and (0.25, None) in cells


@pytest.mark.parametrize("entry", [None, {"variant_of": "softmax_L1", "steps": 7}])
def test_a_cell_of_a_grid_may_be_left_out_or_written_out(entry):
    name = "softmax_L1_held_norm_factor2.0_epsilon1e-20"
    config = merge(load([STUDY]), {"modular_addition": {"models": {name: entry}}})
    assert spelled_out(config)["modular_addition"]["models"][name] == entry


def test_a_grid_is_left_out_with_its_model_and_without_one_a_study_is_as_it_is():
    config = load([STUDY, STUDY.replace("config.yaml", "without_sweep.yaml")])
    assert spelled_out(config) == config
    kept = {"modular_addition": {"only": ["softmax_L1", "softmax_L1_held"]}}
    names = models(spelled_out(merge(load([STUDY]), kept))["modular_addition"])
    assert "softmax_L1_held_norm_factor2.0_epsilon1e-20" in names
    assert not [name for name in names if name.startswith("softmax_L1_wd3")]


def test_the_grid_of_no_model_is_named(tmp_path):
    with pytest.raises(ConfigError, match='grid.0.of = "held": expected a model: softmax_L1, '):
        check(tmp_path, {"modular_addition": {"grid": [{"of": "held"}]}})
