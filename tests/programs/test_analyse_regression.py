"""The programs that analyse a regression run: what they write, and what they refuse."""

import pytest
from gradient_steps import one_step
from helpers import regression_network, regression_settings, run_program, write_data, write_run

from mechanics.models.weights import write_network
from mechanics.regression import generalisation
from mechanics.regression.measures import FOLLOWED, tables_of

SETTINGS = regression_settings()


def analyse(folder, settings: dict, d: int = 3, prompts_of: dict = SETTINGS, only=()):
    """Final weights of one gradient step in d dimensions, on prompts of these other settings."""
    path = folder / "seed0.safetensors"
    write_network(path, regression_network(SETTINGS | settings, one_step(d, 0.5)))
    out = ("--output", folder, "--device", "cpu", *only)
    data = write_data(folder, prompts_of, [])[0]
    run_program("analyse_regression", "--weights", path, "--prompts", data, *out)
    return sorted(path.stem for path in folder.glob("*.parquet"))


def test_what_is_defined_is_measured_and_what_is_asked_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(generalisation, "N_PROMPTS", 64)
    assert analyse(tmp_path, {}, only=("--only", "attention")) == [
        *("attention", "attention_examples", "attention_matrix", "query_key")
    ]
    assert analyse(tmp_path, {}) == sorted(set(tables_of(SETTINGS)) - set(FOLLOWED))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"d": 4}, "d": 4}, "d = 4: expected d = 3"),
        ({"settings": {}, "d": 4}, r"W_Q is \(1, 5, 5\), expected \(1, 4, 4\)"),
        ({"settings": {"task": "modular_addition"}}, "expected linear_regression"),
        (
            {"settings": {"measured_at": [9]}, "only": ("--only", "attention")},
            "no held-out prompts of k = 9: expected 4, 8",
        ),
        ({"settings": {}, "only": ("--only", "rank_collapse")}, "no measure rank_collapse of such"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, changes, words):
    with pytest.raises(SystemExit, match=f"analyse_regression.py: .*{words}"):
        analyse(tmp_path, **changes)


def test_a_file_of_something_else_has_no_prompts(tmp_path):
    path = tmp_path / "seed0.safetensors"
    write_network(path, regression_network(SETTINGS, one_step(3, 0.5)))
    given = ("--weights", path, "--prompts", path, "--output", tmp_path)
    with pytest.raises(SystemExit, match="metadata without d, context_lengths: expected held-out"):
        run_program("analyse_regression", *given)


def test_a_missing_run_and_one_of_other_settings_are_not_followed(tmp_path):
    given = ("--prompts", write_data(tmp_path, SETTINGS, [])[0], "--output", tmp_path)
    with pytest.raises(SystemExit, match="follow.py: .*not a finished run"):
        run_program("follow", "--run", tmp_path, *given)
    run = write_run(tmp_path, regression_settings(d=4), one_step(4, 0.5))
    with pytest.raises(SystemExit, match="follow.py: .*d = 4: expected d = 3"):
        run_program("follow", "--run", run, *given)
