"""Rank collapse, on networks whose attention is known."""

import pandas as pd
import pytest
import torch
from helpers import held_out, regression_network, regression_settings

from mechanics.models import regression
from mechanics.models.transformer import architecture, initialise
from mechanics.regression.rank_collapse import rank_collapse

SETTINGS = regression_settings(
    attention="softmax", n_layers=2, n_heads=2, d_model=8, d_mlp=16, layer_norm=True
)


def weights(settings: dict, seed: int) -> dict[str, torch.Tensor]:
    shapes = regression.parameter_shapes(architecture(settings), settings["d"])
    return initialise(shapes, 0.5, torch.Generator().manual_seed(seed))


def measure(settings: dict, trained: dict[int, dict[str, torch.Tensor]]) -> pd.DataFrame:
    """Seeds with these last weights."""
    networks = [regression_network(settings, last, seed) for seed, last in trained.items()]
    return rank_collapse(networks, held_out(settings))


def without(name: str) -> dict[str, torch.Tensor]:
    return {n: t * (not n.endswith(name)) for n, t in weights(SETTINGS, 7).items()}


@pytest.fixture(scope="module")
def frame():
    """Seed 0: uniform attention once trained. Seed 1: weights that are not numbers."""
    diverged = {n: t * torch.nan for n, t in weights(SETTINGS, 0).items()}
    return measure(SETTINGS, {0: without("W_Q"), 1: diverged})


def test_a_row_for_each_seed_variant_layer_and_norm(frame):
    keys = ["seed", "trained", "variant", "layer", "norm"]
    assert len(frame) == len(frame.drop_duplicates(keys)) == 2 * 2 * 4 * 3 * 2
    assert set(frame["k"]) == {8}
    assert set(frame["n_prompts"]) == {SETTINGS["n_prompts_history"]}


def test_uniform_attention_collapses_and_random_attention_does_not(frame):
    alone = frame[(frame["variant"] == "attention_only") & (frame["seed"] == 0)]
    ratios = alone.pivot(index=["trained", "norm"], columns="layer", values="ratio")
    assert (ratios.loc[True, 1] < 1e-14).all()
    assert (ratios.loc[False, 1] > 0.01).all()
    assert (ratios[0] > 0.3).all()


def test_theorem_is_for_the_composite_norm_of_attention_alone(frame):
    rows = frame[(frame["seed"] == 0) & frame["trained"]]
    theirs = (rows["variant"] == "attention_only") & (rows["norm"] == "composite")
    theirs &= rows["layer"] > 0
    assert (rows.loc[theirs, "condition_share"] == 1).all()  # uniform attention: E = 0
    assert rows.loc[theirs & (rows["layer"] == 1), "bound"].tolist() == [0]
    assert rows.loc[~theirs, ["condition_share", "bound", "bound_ratio"]].isna().all(axis=None)


def test_whole_variant_has_the_risk_of_the_network(frame):
    network, prompts = architecture(SETTINGS), held_out(SETTINGS).prompts(8)
    stack = {n: t[None] for n, t in without("W_Q").items()}
    errors = (regression.forward(stack, prompts, network) - prompts.y_test).square()
    own = frame[(frame["seed"] == 0) & frame["trained"] & (frame["variant"] == "whole")]
    assert own["risk"].tolist() == pytest.approx([float(errors.mean()) / SETTINGS["d"]] * 6)


def test_diverged_weights_give_nan_and_leave_the_others(frame):
    columns = ["ratio", "ratio_median", "risk", "condition_share"]
    nan = frame[(frame["seed"] == 1) & frame["trained"]]
    assert nan[columns].isna().all(axis=None)
    assert frame.drop(nan.index)["ratio"].notna().all()


@pytest.mark.parametrize("changes", [{"attention": "linear"}, {"n_layers": 1}])
def test_other_networks_are_refused(changes):
    settings = SETTINGS | changes
    with pytest.raises(ValueError, match="softmax attention in at least 2 layers"):
        measure(settings, {0: weights(settings, 0)})
