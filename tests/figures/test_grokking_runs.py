"""Survival by hand, and the two figures of training from frames whose content is known."""

import math

import numpy as np
import pandas as pd
import pytest

from mechanics.figures import style
from mechanics.figures.decay_groups import not_grokked
from mechanics.figures.weight_decay_circuit import weight_decay_circuit
from mechanics.figures.weight_decay_survival import weight_decay_survival
from mechanics.figures.weight_norm import weight_norm


def test_share_not_grokked_by_hand():
    """Six runs: 1/6 grok at 100, two of five at 200, one ends there, the last two 1/2 and end."""
    steps = np.array([200, 100, 300, 200, 200, 400])
    grokked = np.array([True, True, True, True, False, False])
    falls, shares, censored = not_grokked(steps, grokked)
    assert falls == [100, 200, 300]
    assert shares == pytest.approx([5 / 6, 5 / 6 * 3 / 5, 5 / 6 * 3 / 5 / 2])
    assert [step for step, _ in censored] == [200, 400]
    assert [share for _, share in censored] == pytest.approx([1 / 2, 1 / 4])


def test_share_of_freireich_1963():
    """6-mercaptopurine arm: the textbook case (Kalbfleisch & Prentice), 9 of 21 events."""
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    event = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    falls, shares, _ = not_grokked(np.array(weeks), np.array(event))
    assert falls == [6, 7, 10, 13, 16, 22, 23]
    assert shares == pytest.approx([0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4)


def test_runs_that_never_or_always_grok():
    assert not_grokked(np.array([50, 50]), np.array([False, False])) == (
        *([], []),
        [(50.0, 1.0), (50.0, 1.0)],
    )
    assert not_grokked(np.array([50]), np.array([True])) == ([50.0], [0.0], [])


RUNS = [  # arm, weight decay, seed, status, grokking step, last step
    ("main", 1.0, 0, "grokked", 1000.0, 3000),
    ("main", 1.0, 1, "grokked", 2000.0, 4000),
    ("weight_decay", 0.0, 0, "censored", math.nan, 5000),
    ("weight_decay", 0.0, 1, "diverged", math.nan, 700),
    ("no_decay", 1.0, 0, "censored", math.nan, 5000),
]


def grokking(runs: list = RUNS, model: str = "softmax_L1") -> pd.DataFrame:
    columns = ["arm", "weight_decay", "seed", "status", "grokking_step", "last_step"]
    table = pd.DataFrame(runs, columns=columns).assign(model=model)
    table["steepest_fall_step"] = table["grokking_step"] - 500
    table["steepest_relative_fall_step"] = table["grokking_step"] + 400
    table["norm_squared_final"] = np.where(table["status"] == "grokked", 900.0, 3000.0)
    return table


def progress(table: pd.DataFrame) -> pd.DataFrame:
    """Σθ² falls from 3,000 to 2,000 by the last step."""
    rows = []
    for run in table.to_dict("records"):
        for part in (0.0, 0.5, 1.0):
            row = {key: run[key] for key in ("model", "arm", "weight_decay", "seed")}
            row |= {"step": part * run["last_step"], "norm_squared": 3000 - 1000 * part}
            rows.append(row | {"status": "finished"})
    return pd.DataFrame(rows)


def words(axis) -> list[str]:
    return [text.get_text() for text in axis.texts]


def marked(axis, marker: str) -> list[tuple[float, float]]:
    lines = [line for line in axis.lines if line.get_marker() == marker]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]


def test_survival_of_weight_decays_and_of_arms():
    left, middle, right = weight_decay_survival(grokking()).axes
    assert words(left) == ["0 (0/1)", "1 (2/2)"]
    assert words(middle) == ["decay kept\n(2/2)", "decay off\n(0/1)"]
    steps = [line for line in left.lines if line.get_drawstyle() == "steps-post"]
    assert list(steps[0].get_ydata()) == [1, 1]
    assert list(steps[1].get_xdata()) == [0, 1000, 2000, 2000]
    assert list(steps[1].get_ydata()) == [1, 0.5, 0, 0]
    assert marked(left, "|") == [(5000, 1)]
    names = [label.get_text() for label in right.get_xticklabels()]
    assert names == ["0", "1", "decay off"]
    assert sorted(marked(right, "o")) == [(0, 3000), (1, 900), (1, 900), (2, 3000)]
    assert [line.get_mfc() for line in right.lines].count("white") == 2


def test_models_without_variants_are_drawn_only_if_there_is_no_other():
    alone = grokking(RUNS[:2], model="linear_L1")
    assert len(weight_decay_survival(pd.concat([grokking(), alone])).axes) == 3
    assert "linear" in weight_decay_survival(alone).axes[0].get_title()


def test_diverged_runs_are_counted_and_not_drawn():
    table = grokking()
    for figure in (weight_decay_survival(table), weight_norm(progress(table), table)):
        assert "softmax, 1 layer: 1" in figure.get_supxlabel()
    with pytest.raises(style.NothingToDraw, match="no finished seed"):
        weight_decay_survival(table.assign(status="diverged"))
    with pytest.raises(style.NothingToDraw, match="no row"):
        weight_norm(progress(table), table.assign(status="diverged"))


def test_norm_has_its_grokking_step_and_both_steepest_falls_marked():
    table = grokking()
    left, right = weight_norm(progress(table), table).axes
    lines = [line for line in left.lines if line.get_marker() == "None"]
    assert len(lines) == 3  # two of the main arm, one that did not diverge
    assert marked(left, "o") == [(1000, pytest.approx(3000 - 1000 / 3)), (2000, 2500)]
    assert marked(left, "v") == [(500, pytest.approx(3000 - 500 / 3)), (1500, 2625)]
    assert [step for step, _ in marked(left, "^")] == [1400, 2400]
    assert marked(right, "o") == marked(left, "o")
    assert words(right) == ["decay kept", "decay off"]


def test_simplicity_by_weight_decay_has_a_point_for_each_run_that_did_not_diverge():
    table = grokking()
    circuit = table[["model", "arm", "weight_decay", "seed"]].assign(
        n_keys=[4, 5, 0, 0, 1], logit_fve=[0.9, 0.95, math.nan, math.nan, 0.1], effective_rank_w_e=9
    )
    keys, fve, *_ = weight_decay_circuit(table, circuit).axes
    assert sorted(marked(keys, "o")) == [(0, 0), (1, 4), (1, 5), (2, 1)]
    assert (2, 0.1) in marked(fve, "o")
    assert [line.get_mfc() for line in keys.lines].count("white") == 2
