"""A change reruns what depends on it, and nothing else."""

import re

import pytest
from tiny_study import TINY, add_figure, changed, edited, planned, snakemake

SHOWS = {"write_numbers", "build_report", "build_page"}  # what is in the tables
FIGURES_SHOWN = {"build_report", "build_page"}


def test_finished_study_reruns_nothing(study):
    assert planned(study) == set()


def test_table_setting_reruns_the_table_only(study):
    config = changed(linear_regression={"tabulated_at": [8]})
    assert planned(study, config) == {"write_tables_comparison"} | SHOWS


def test_one_track_alone_is_planned(study):
    assert "analyse_addition" not in planned(study, TINY | {"modular_addition": None})


def test_setting_of_one_model_retrains_it_only(study):
    models = TINY["linear_regression"]["models"]
    models = models | {"linear_L1": models["linear_L1"] | {"learning_rate": 0.02}}
    assert planned(study, changed(linear_regression={"models": models})) == {
        *("train", "analyse_regression", "follow_regression"),
        *("write_tables_regression", "write_tables_comparison", "write_tables_emergence"),
        "plot_regression",
        *SHOWS,
        "execute_notebook",
    }


def trainings(study, config: dict = TINY) -> set[str]:
    """Tasks of which a dry run would train something."""
    output = snakemake(study, "--dry-run", "--quiet", "host", config=config).stdout
    return set(re.findall(r"\ntrain_(linear_regression|modular_addition)_", output))


def test_two_changed_values_train_again(study):
    """The prompts that a history is measured on are an input: nothing hides another change."""
    section = TINY["linear_regression"]
    evaluation = {"evaluation": section["evaluation"] | {"n_prompts": 65}}
    rate = {"learning_rate": 0.02}
    models = section["models"] | {"linear_L1": section["models"]["linear_L1"] | rate}
    assert trainings(study, changed(linear_regression=evaluation)) == {"linear_regression"}
    assert trainings(study, changed(linear_regression=evaluation | {"models": models})) == {
        "linear_regression"
    }


def test_an_edited_module_trains_the_networks_that_are_made_by_it(study):
    """``tests/study/test_lineage.py`` says which modules those are."""
    with edited(study / "scripts/mechanics/models/prompts.py"):
        assert trainings(study) == {"linear_regression"}


def test_new_seed_trains_that_seed_only(study):
    models = TINY["modular_addition"]["models"] | {"softmax_L1": {"seeds": [0, 1, 2]}}
    config = changed(modular_addition={"models": models})
    output = snakemake(study, "--dry-run", "--quiet", "host", config=config).stdout
    assert {*re.findall(r"\n(train_\w+\S*) +1\n", output)} == {
        "train_modular_addition_softmax_L1_2"
    }
    assert re.search(r"\nprepare_addition +1\n", output)


def test_device_and_threads_rerun_nothing(study):
    assert planned(study, TINY | {"device": "cuda", "threads_per_training": 2}) == set()


def test_editing_a_used_module_reruns_what_uses_it(study):
    with edited(study / "scripts/mechanics/tables/comparison.py"):
        assert planned(study) == {"write_tables_comparison"} | SHOWS
    assert planned(study) == set()  # the same content with a newer date


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("scripts/mechanics/figures/frequencies.py", {"plot_addition", *FIGURES_SHOWN}),
        ("workflow/report/frequencies_figure.rst", set(FIGURES_SHOWN) - {"build_report"}),
        ("workflow/report/circuit_figure.rst", set(FIGURES_SHOWN)),
    ],
)
def test_editing_a_figure_draws_its_track_and_editing_a_caption_draws_nothing(study, file, again):
    with edited(study / file):
        assert planned(study) == again


def test_new_module_reruns_nothing(study):
    (study / "scripts/mechanics/unrelated.py").write_text("unused = 1\n")
    assert planned(study) == set()


def test_a_new_figure_draws_its_track_alone(study):
    add_figure(study)
    assert planned(study) == {"plot_addition", *FIGURES_SHOWN}
