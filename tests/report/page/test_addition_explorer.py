"""What the explorer of Track B is given."""

import pandas as pd
from small_study import STEPS, addition_frames

from mechanics.report.page.addition import MOST_STEPS, AdditionRun, addition_explorer, arm_label
from mechanics.report.page.pack import as_json

ROW = {"model": "softmax_L1", "arm": "main", "weight_decay": 1.0, "seed": 0, "status": "grokked"}
ROW |= {
    "first_reached_step": 10.0,
    "grokking_step": 100.0,
    "last_step": STEPS[-1],
    "entry": "softmax_L1",
}


def long_run(n_steps: int) -> AdditionRun:
    """A run with the same state at every one of many checkpoints."""
    frames = addition_frames(seed=0, finite=len(STEPS))
    repeated = {
        name: pd.concat(
            [frame[frame["step"] == 0].assign(step=step) for step in range(n_steps)],
            ignore_index=True,
        )
        for name, frame in frames.items()
    }
    return AdditionRun(
        *(repeated[name] for name in ("history", "progress", "spectra")),
        *(repeated[name] for name in ("embedding_planes", "embedding_trace")),
    )


def explorer(**options) -> dict:
    return addition_explorer([long_run(100)], ["softmax_L1"], pd.DataFrame([ROW]), **options)


def test_checkpoints_are_thinned_and_counted():
    (seed,) = explorer()["networks"][0]["seeds"]
    assert len(seed["steps"]) == MOST_STEPS[0]
    assert (seed["steps"][0], seed["steps"][-1], seed["n_checkpoints"]) == (0, 99, 100)
    assert len(seed["history"]["step"]) == 100


def test_a_smaller_page_keeps_fewer():
    whole = explorer()
    smaller = explorer(largest=len(as_json(whole)) - 1)
    assert smaller["max_steps"] == MOST_STEPS[1]
    assert len(smaller["networks"][0]["seeds"][0]["circles"][2]["units"]) == MOST_STEPS[1]


def test_the_spectrum_of_the_logits_is_for_networks_without_that_of_the_neurons():
    run = long_run(2)
    spectra = [run.spectra.assign(matrix=matrix) for matrix in ("W_E", "W_L", "logits")]
    for kept, expected in ((spectra, ["W_E", "W_L"]), (spectra[::2], ["W_E", "logits"])):
        own = AdditionRun(run.history, run.progress, pd.concat(kept), run.planes, run.circles)
        found = addition_explorer([own], ["softmax_L1"], pd.DataFrame([ROW]))
        assert list(found["networks"][0]["seeds"][0]["spectra"]) == expected


def test_arms_are_named_in_words():
    assert arm_label(ROW) == "softmax, 1 layer"
    assert arm_label(ROW | {"arm": "weight_decay"}) == "softmax, 1 layer: weight decay 1"
    assert arm_label(ROW | {"arm": "fixed_norm"}).endswith("norm held after memorising")
