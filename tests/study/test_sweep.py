"""A sweep spelled out: its models, their splits, and stacks for each device."""

import pytest
from test_config_checks import STUDY, check

from mechanics.settings import ConfigError
from mechanics.study import config as study
from mechanics.study.sweep import spelled_out

SWEEP = STUDY.replace("config.yaml", "sweep.yaml")


@pytest.fixture(scope="module")
def sweep() -> dict:
    return spelled_out(study.load([STUDY, SWEEP]) | {"device": "cuda"})


def test_sweep_has_500_runs_and_each_combination_once(sweep):
    section = sweep["modular_addition"]
    values = section["sweep"]
    settings = [
        study.training_settings(sweep, "modular_addition", name) for name in study.models(section)
    ]
    pairs = [(own["weight_decay"], own["train_fraction"]) for own in settings]
    assert (
        len(pairs) == len(set(pairs)) == len(values["weight_decay"]) * len(values["train_fraction"])
    )
    n_seeds = [len(study.model_entry(section, name)["seeds"]) for name in study.models(section)]
    assert sum(n_seeds) >= 500


def test_settings_of_a_variant_differ_in_what_is_swept_only(sweep):
    base = study.training_settings(sweep, "modular_addition", "softmax_L1")
    name = "softmax_L1_weight_decay0.1_train_fraction0.5"
    own = study.training_settings(sweep, "modular_addition", name)
    assert own == base | {"weight_decay": 0.1, "train_fraction": 0.5}


def test_split_of_the_main_fraction_keeps_its_name(sweep):
    section = sweep["modular_addition"]
    assert study.split_mark(section, "softmax_L1_weight_decay0.1_train_fraction0.3") == ""
    mark = study.split_mark(section, "softmax_L1_weight_decay0.1_train_fraction0.5")
    assert mark == "_fraction0.5"
    assert study.split_settings(sweep, mark) == {"p": 113, "train_fraction": 0.5}


@pytest.mark.parametrize(("device", "n_jobs"), [("cuda", 1), ("cpu", 14), ("auto", 14)])
def test_stack_is_that_of_the_device(device, n_jobs):
    config = spelled_out(study.load([STUDY, SWEEP]) | {"device": device})
    assert len(study.blocks(config["modular_addition"], "softmax_L1")) == n_jobs


def test_a_study_without_a_sweep_is_left_as_it_is():
    config = study.load([STUDY, STUDY.replace("config.yaml", "without_sweep.yaml")])
    assert spelled_out(config) == config


def test_a_grid_stands_beside_the_models_and_leaves_out_what_a_model_is():
    """6 norm factors at 2 ε, two of them models with more seeds; 4 at 2 temperatures and one ε."""
    config = spelled_out(study.load([STUDY]))
    section = config["modular_addition"]
    held = [name for name in study.models(section) if name.startswith("softmax_L1_held")]
    settings = [study.training_settings(config, "modular_addition", name) for name in held]
    cells = {
        tuple(own[key] for key in ("norm_factor", "temperature", "epsilon")) for own in settings
    }
    assert len(held) == len(cells) == 6 * 2 + 4 * 2
    n_seeds = {name: len(study.model_entry(section, name)["seeds"]) for name in held}
    assert [name for name, n in n_seeds.items() if n == 5] == held[:2]
    assert sum(n_seeds.values()) == 18 * 3 + 2 * 5
    assert {study.variants(section)[name] for name in held} == {"softmax_L1"}
    assert all((own["norm"], own["weight_decay"]) == ("held", 0) for own in settings)


def test_few_tasks_are_a_grid_that_leaves_the_study_as_it_is():
    paths = [STUDY, STUDY.replace("config.yaml", "diversity.yaml")]
    config, more = (spelled_out(study.load(paths[:n])) for n in (1, 2))
    sections = [own["linear_regression"] for own in (config, more)]
    for name in study.models(sections[0]):
        own = study.training_settings(config, "linear_regression", name)
        assert not {"noise", "n_tasks"} & set(own)
        assert study.training_settings(more, "linear_regression", name) == own
    names = [name for name in study.models(sections[1]) if name.startswith("linear_L1_tasks")]
    settings = [study.training_settings(more, "linear_regression", name) for name in names]
    cells = {(own["noise"], own["n_tasks"]) for own in settings}
    assert len(cells) == len(names) == 2 * 9 and (0.25, None) in cells


def test_a_grid_is_left_out_with_its_model():
    kept = {"modular_addition": {"only": ["softmax_L1", "softmax_L1_held"]}}
    section = spelled_out(study.merge(study.load([STUDY]), kept))["modular_addition"]
    names = study.models(section)
    assert "softmax_L1_held_norm_factor2.0_epsilon1e-20" in names
    assert not [name for name in names if name.startswith("softmax_L1_wd3")]


def test_the_grid_of_no_model_is_named(tmp_path):
    with pytest.raises(ConfigError, match='grid.0.of = "held": expected a model: softmax_L1, '):
        check(tmp_path, {"modular_addition": {"grid": [{"of": "held"}]}})


def test_a_stack_may_name_both_devices(tmp_path):
    stack = {"softmax_L1": {"stack": {"cpu": 1, "cuda": 8}}}
    check(tmp_path, {"modular_addition": {"models": stack}})
