"""What the figures of Track B show, and what their titles say, from frames that are known."""

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
from clock_network import clock_network, final
from drawn import lines, marks, title, words
from published import published

from analyse_addition import measure
from mechanics.addition import fourier
from mechanics.figures import embedding as embedding_figure
from mechanics.figures import style
from mechanics.figures.circuit import circuit
from mechanics.figures.embedding import embedding
from mechanics.figures.frequencies import frequencies
from mechanics.figures.grokking_curves import in_words
from mechanics.figures.grokking_sweep import grokking_sweep
from mechanics.figures.neurons import neurons
from mechanics.figures.norm_and_scale import norm_and_scale
from mechanics.figures.sum_in_stream import sum_in_stream
from mechanics.figures.weight_norm import weight_norm

COMMON = {"model": "softmax_L1", "arm": "main", "weight_decay": 1.0, "seed": 0}
COMMON |= {"status": "finished", "entry": "softmax_L1"}
SHADE = style.colour("softmax_L1")


def ends(*rows: tuple, group: str) -> pd.DataFrame:
    """How runs of groups ended: 900 is the norm of those that grokked, 3,000 of the others."""
    columns = [group, "weight_decay", "seed", "status", "grokking_step", "last_step"]
    table = pd.DataFrame(rows, columns=columns).assign(model="softmax_L1", memorised_step=150.0)
    return table.assign(norm_squared_final=np.where(table["status"] == "grokked", 900.0, 3000.0))


def progress(table: pd.DataFrame) -> pd.DataFrame:
    """Σθ² falls from 3,000 to 2,000 by the last step."""
    found = table.merge(pd.DataFrame({"part": [0.0, 0.5, 1.0]}), "cross")
    steps = found["part"] * found["last_step"]
    return found.assign(step=steps, norm_squared=3000 - 1000 * found["part"])


def test_norm_and_survival_by_weight_decay_and_arm():
    table = ends(
        ("main", 1.0, 0, "grokked", 1000.0, 3000),
        ("main", 1.0, 1, "grokked", 2000.0, 4000),
        ("weight_decay", 0.0, 0, "censored", math.nan, 5000),
        ("weight_decay", 0.0, 1, "diverged", math.nan, 700),
        ("no_decay", 1.0, 0, "censored", math.nan, 5000),
        group="arm",
    )
    figure = weight_norm(progress(table), table)
    norms, arms, survival, of_arms = figure.axes
    assert title(norms).endswith("ends at 900 if it groks, else at 3,000")
    assert marks(norms, "o") == [(1000, pytest.approx(3000 - 1000 / 3)), (2000, 2500)]
    assert words(arms) == ["decay kept", "decay off"]
    assert words(survival) == ["0 (0/1)", "1 (2/2)"]
    assert words(of_arms) == ["decay kept (2/2)", "decay off (0/1)"]
    steps = [line for line in survival.lines if line.get_drawstyle() == "steps-post"]
    assert list(steps[1].get_ydata()) == [1, 0.5, 0]
    assert marks(survival, "|") == [(5000, 1)]
    assert "softmax, 1 layer: 1" in figure.get_supxlabel()
    diverged = table.assign(status="diverged")
    with pytest.raises(style.NothingToDraw, match="no finished seed"):
        weight_norm(progress(diverged), diverged)


def test_a_sweep_has_a_panel_for_each_fraction_and_a_median_where_half_grokked():
    table = ends(
        (0.3, 1.0, 0, "grokked", 1000.0, 2000),
        (0.3, 1.0, 1, "grokked", 3000.0, 4000),
        (0.3, 0.0, 0, "censored", math.nan, 5000),
        (0.3, 0.0, 1, "grokked", 4000.0, 5000),
        (0.5, 1.0, 0, "censored", math.nan, 5000),
        (0.5, 1.0, 1, "diverged", math.nan, 50),
        group="train_fraction",
    )
    figure = grokking_sweep(table)
    *panels, grid = figure.axes
    assert [title(axis) for axis in panels] == ["0.3 of the pairs", "0.5 of the pairs"]
    assert len(panels[0].lines) == 3  # two curves, one censored run
    assert {*words(grid)} == {"1,000  (2/2)", "4,000  (1/2)", "–  (0/1)"}
    assert "softmax, 1 layer: 1" in figure.get_supxlabel()


def test_grokking_step_is_in_the_title():
    of_seeds = ([30.0, 30.0], [10.0, 30.0], [10.0, np.nan], [np.nan, np.nan])
    runs = [pd.DataFrame({"memorised_step": 150.0, "grokking_step": own}) for own in of_seeds]
    *said, never = map(in_words, runs)
    assert said == [f"memorises by 150,\ngroks at {at}" for at in ("30", "10–30", "10 (1/2)")]
    assert never == "does not grok in its budget"


def dose(arm="held_norm", factor=1.0, tau=1.0, end=500.0, status="grokked", **more) -> dict:
    row = COMMON | {"arm": arm, "norm_factor": factor, "temperature": tau, "status": status}
    row |= {"grokking_step": end if status == "grokked" else math.nan, "last_step": end}
    return row | {"epsilon": 1e-8, "logit_scale_memorised": 10.0 * factor, "weight_decay": 0} | more


def test_doses_of_the_norm_and_what_grokked_of_them_and_of_a_single_dose_its_arms_alone():
    (axis,) = norm_and_scale(pd.DataFrame([dose(), dose("main", end=9000.0, weight_decay=1)])).axes
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names == ["weight decay 1", "initial norm held"]
    assert marks(axis, "o") == [(9000, 0), (500, 1)]
    runs = [dose(factor=f, tau=t, end=f * 100) for f in (0.7, 1.0) for t in (1.0, 8.0)]
    runs += [dose(factor=2.0, end=1500.0, status="censored"), dose("sham", status="stalled")]
    left, right, arms = norm_and_scale(pd.DataFrame(runs)).axes
    assert title(left) == "(a) grok: 1/1 at 0.7×,\n0/1 at 2×"
    assert (2.0, 1500.0) in marks(left, "o", "none")
    assert len(marks(right, "o")) == 4
    assert title(right) == "(b) one scale? rank 0.45"  # ranks 3 1 4 2 and 1.5 1.5 3.5 3.5
    assert words(arms) == ["1/1", "0/1"]
    assert marks(arms, "x") == [(500, 1)]
    with pytest.raises(style.NothingToDraw, match="no run of an arm"):
        norm_and_scale(pd.DataFrame([dose("control")]))


@cache
def clock() -> dict[str, pd.DataFrame]:
    """A clock network by hand, with keys 4 and 17."""
    tables = measure("circuit", [final(*clock_network(59, (4, 17)))])
    return {name: table.assign(**COMMON) for name, table in tables.items()}


def test_spectrum_singular_values_and_circles_of_a_clock():
    found = clock()
    figure = embedding(found["embedding"], found["circuit"], found["circles"])
    spectrum, values, raw, first, second = figure.axes
    assert title(spectrum) == "softmax, 1 layer, seed 0: 2 of 29\nfrequencies carry 100%"
    assert {"4", "17"} <= set(words(spectrum))
    assert "2 × 2" in words(values)
    assert {title(axis).split(":")[0] for axis in (first, second)} == {"k = 4", "k = 17"}
    assert "R² 1.000" in title(first)
    assert title(raw).startswith("PC 1, 2")


def test_key_rule_is_that_of_the_measure():
    assert embedding_figure.KEY_FACTOR == fourier.KEY_FACTOR


def test_circuit_shows_the_first_seed_that_grokked_with_its_phases():
    both = [clock()[name].assign(seed=1) for name in ("embedding", "circuit")]
    runs = pd.DataFrame(COMMON | {"seed": [0, 1], "status": ["censored", "grokked"]})
    law = pd.DataFrame(COMMON | {"seed": 1, "frequency": [4, 17], "cosine": [0.99, 1.0]})
    phases = {"input_phase": [0.5, 3.0], "output_phase": [0.6, 3.1], "share_of_key": 0.5}
    phases = pd.DataFrame(COMMON | {"seed": 1, "frequency": 4} | phases)
    circle, spectrum, scatter = circuit(*both, runs, law, phases).axes
    assert title(circle) in ("(a) k = 4", "(a) k = 17")
    assert title(spectrum) == "(b) 2 waves: 100%"
    assert title(scatter) == "(c) cosine ≥ 0.990"


def test_neurons_law_null_and_patching():
    law = pd.DataFrame(
        COMMON
        | {"frequency": [3, 4, 5], "cosine": [0.99, 0.98, 1.0], "cosine_shuffled": [0.1, 0.2, 0.3]}
        | {"n_effective": 100.0, "quadrature_error": [0.01, 0.01, 0.5]}
        | {"recovery": [0.2, 0.3, 0.5], "recovery_predicted": [0.2, 0.3, 0.5]}
    )
    patched = {"frequency": [3, 3, 4], "recovery": [0.03, 0.01, 0.02]}
    rows = [("top", "top 1", 1, 0.6), ("top", "top 2", 2, 1.0), ("random", "random 1 0", 1, 0.1)]
    rows += [("cluster", "3", 2, 0.5), ("mlp", "L0", 2, 0.97), ("head", "L0H0", 0, 0.2)]
    groups = pd.DataFrame(rows, columns=["kind", "name", "n_neurons", "recovery"])
    groups = groups.assign(**COMMON, direction="denoising")
    axes = neurons(law, pd.DataFrame(COMMON | patched), groups).axes
    assert [title(axis)[4:] for axis in axes] == [
        "phases add: ≥ 0.980, shuffled ≤ 0.30",
        "67% leave less than random phases",
        "prediction and patching: r = 1.000",
        "one neuron: at most 3.0 %, seed 0",
        "half by ≤ 1 of 2, 1 seed",
        "the MLP carries ≥ 97%",
    ]
    assert "k = 3: 2 neurons" in words(axes[3])


def test_keys_are_counted_whose_removal_leaves_the_answers_right():
    removed = pd.DataFrame(
        COMMON
        | {"level": "logits", "split": "all", "frequency": [1, 2, 3], "loss_full": 1e-6}
        | {"is_key": [False, True, True], "loss": [1e-6, 1.0, 0.1], "accuracy": [1.0, 0.9, 0.995]}
    )
    from_embedding = pd.DataFrame(
        COMMON
        | {"kind": ["whole", "keys_kept", "keys_kept", "keys_removed"], "frequency": [0, 3, 3, 3]}
        | {"is_key": False, "loss": [1e-6, 1e-6, 2e-6, 9.0], "accuracy": [1.0, 1.0, 0.5, 0.01]}
    )
    kept = {"kind": ["frequencies", "frequencies", "keys_only"], "n": [1, 2, 2]}
    kept = pd.DataFrame(COMMON | kept | {"min_margin": [-1.0, 5.0, 4.0]})
    single, sets, margin = frequencies(removed, from_embedding, kept).axes
    assert title(single).endswith("1 of 2 keys: ≥ 99% stay right")
    assert words(single) == ["2\n90%", "3\n100%"]  # .995
    assert words(sets) == ["50–\n100 %", "1 %"]
    assert title(margin) == "2 keys: margin ≥ 4.0"
    assert lines(margin, SHADE) == [[-1.0, 5.0]]


def test_a_variant_of_the_same_seed_is_no_part_of_the_sum():
    stream, exchange = (published()[name] for name in ("sum_in_stream", "sum_exchange"))
    varied = {"entry": "varied", "arm": "weight_decay"}
    both = [pd.concat([own, own.assign(**varied)]) for own in (stream, exchange)]
    alone, beside = (
        [line.get_xydata().tolist() for axis in figure.axes for line in axis.lines]
        for figure in (sum_in_stream(stream, exchange), sum_in_stream(*both))
    )
    assert alone == beside


def test_what_the_keys_move_and_what_all_else_moves():
    stream, exchange = (published()[name] for name in ("sum_in_stream", "sum_exchange"))
    exchange = exchange[~exchange["exchanged"].str.endswith("everywhere")]
    whole = exchange[exchange["carrier"] & (exchange["exchanged"] == "sum")]
    both = [whole.assign(exchanged="keys everywhere", moved=0.97)]
    both.append(whole.assign(exchanged="rest everywhere", moved=0.01))
    shares, moved, parts = sum_in_stream(stream, pd.concat([exchange, *both])).axes
    assert title(shares).startswith("(a) up to")
    assert title(moved) == "(b) keys ≥ 97%, rest ≤ 1%"
    assert title(parts).endswith("seed 0")
