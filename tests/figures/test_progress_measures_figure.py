"""The figure of progress measures shows every sound seed, its keys and its phases."""

import math

import pandas as pd
import pytest

from mechanics.figures import style
from mechanics.figures.progress_measures import progress_measures

STEPS = [0, 100, 1000, 10000]
MOMENTS = {
    "memorised_step": 100.0,
    "circuit_formation_step": 200.0,
    "cleanup_step": 1000.0,
    "grokking_step": 2000.0,
    "cleanup_end_step": 3000.0,
}


def progress(seed: int, status: str = "finished", **changes) -> pd.DataFrame:
    measures = {
        "loss_train": [4.7, 0.1, 1e-3, 1e-6],
        "loss_validation": [4.7, 9.0, 8.0, 1e-5],
        "restricted_loss_all": [4.7, 4.6, 1.0, 1e-6],
        "excluded_loss_train": [4.7, 0.2, 3.0, 6.0],
        "effective_rank_W_E": [95.0, 90.0, 70.0, 30.0],
        "effective_rank_W_U": [95.0, 93.0, 80.0, 25.0],
    }
    shares = ("accuracy_train", "accuracy_validation_swapped", "accuracy_validation_new")
    shares += ("logit_fve", "neuron_share", "gini_W_E", "gini_W_U")
    measures |= {name: [0.0, 0.1, 0.5, 0.9] for name in shares}
    common = {"model": "softmax_L1", "seed": seed, "status": status, "p": 113}
    return pd.DataFrame({"step": STEPS, **common, **measures, **MOMENTS} | changes)


def excluded(seed: int, keys: tuple[int, ...] = (5, 41)) -> pd.DataFrame:
    common = {"model": "softmax_L1", "seed": seed, "status": "finished"}
    values = [4.7, 0.1, 0.01, 0.5]
    frames = [pd.DataFrame({"step": STEPS, "frequency": k, "excluded_loss": values}) for k in keys]
    columns = ["step", "frequency", "excluded_loss"]
    return pd.concat([pd.DataFrame(columns=columns), *frames]).assign(**common)


def texts(axis) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_each_sound_seed_has_a_column_with_its_measures():
    frame = pd.concat([progress(0), progress(2), progress(1, "diverged")])
    figure = progress_measures(frame, pd.concat([excluded(0), excluded(2, (7,))]))
    titles = [axis.get_title() for axis in figure.axes[:2]]
    assert titles == ["seed 0\nk = 5, 41", "seed 2\nk = 7"]
    assert figure.get_suptitle() == "softmax, 1 layer"
    assert len(figure.axes) == 10
    losses = figure.axes[0]
    assert losses.lines[0].get_ydata().tolist() == [4.7, 0.2, 3.0, 6.0]
    assert math.log(113) in [line.get_ydata()[0] for line in losses.lines]
    assert "diverged seeds, not drawn: softmax, 1 layer: 1" in figure.get_supxlabel()
    assert {"5", "41", "ln p"} == set(texts(figure.axes[4]))
    assert {"7", "ln p"} == set(texts(figure.axes[5]))


def test_phases_are_shaded_and_named():
    losses = progress_measures(progress(0), excluded(0)).axes[0]
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in losses.patches]
    assert spans == [(200, 1000), (1000, 3000)]
    assert {"memorising", "circuit formation", "cleanup", "grokking"} <= set(texts(losses))


def test_seed_that_never_grokked_has_neither_keys_nor_phases():
    keyed = ("restricted_loss_all", "excluded_loss_train", "logit_fve")
    nothing = dict.fromkeys((*keyed, *MOMENTS), math.nan)
    losses = progress_measures(progress(0, **nothing), excluded(0, ())).axes[0]
    assert losses.get_title().endswith("no key frequencies")
    assert not losses.patches
    assert set(texts(losses)) == {"validation", "train", "ln p"}


def test_single_checkpoint_and_unknown_model():
    at_start = progress(0, **dict.fromkeys(MOMENTS, 0.0)).iloc[:1]
    losses = progress_measures(at_start, excluded(0).iloc[:1]).axes[0]
    assert losses.get_xlim() == (10, 100)
    with pytest.raises(style.NothingToDraw, match="no row"):
        progress_measures(progress(0), excluded(0), "linear_L1")


def test_all_seeds_diverged_is_said():
    with pytest.raises(style.NothingToDraw, match="diverged seeds, not drawn: softmax, 1 layer: 1"):
        progress_measures(progress(0, "diverged"), excluded(0, ()))
