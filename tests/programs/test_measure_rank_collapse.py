"""The program on runs that are written by hand."""

import json

import pandas as pd
import pytest
import torch
from helpers import regression_settings, run_program, write_data

from mechanics.models import regression
from mechanics.models.prompts import evaluation_prompts
from mechanics.models.transformer import architecture, initialise
from mechanics.runtime.files import sha256
from mechanics.training.checkpoint import checkpoint_key, read_tensors, write_tensors

SETTINGS = regression_settings(
    attention="softmax", n_layers=2, n_heads=2, d_model=8, d_mlp=16, layer_norm=True
)


def weights(settings: dict, seed: int) -> dict[str, torch.Tensor]:
    shapes = regression.parameter_shapes(architecture(settings), settings["d"])
    return initialise(shapes, 0.5, torch.Generator().manual_seed(seed))


def measure(folder, settings: dict, trained: dict[int, dict[str, torch.Tensor]]) -> pd.DataFrame:
    """Run the program on seeds with these last weights; their first ones are random."""
    path, step = folder / "checkpoints.safetensors", settings["steps"]
    tensors = {}
    for seed, last in trained.items():
        first = weights(settings, seed)
        tensors |= {checkpoint_key(seed, 0, n): t for n, t in first.items()}
        tensors |= {checkpoint_key(seed, step, n): t for n, t in last.items()}
    write_tensors(path, tensors)
    record = {"settings": settings, "checkpoints_sha256": sha256(path)}
    record["replicas"] = [{"seed": seed, "status": "finished"} for seed in trained]
    (folder / "run.json").write_text(json.dumps(record))
    data, output = write_data(folder, settings, [0])[0], folder / "out.parquet"
    arguments = ["--run", folder, "--data", data, "--output", output, "--device", "cpu"]
    run_program("measure_rank_collapse", *arguments)
    return pd.read_parquet(output)


def without(name: str) -> dict[str, torch.Tensor]:
    return {n: t * (not n.endswith(name)) for n, t in weights(SETTINGS, 7).items()}


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """Seed 0: uniform attention once trained. Seed 1: weights that are not numbers."""
    diverged = {n: t * torch.nan for n, t in weights(SETTINGS, 0).items()}
    folder = tmp_path_factory.mktemp("run")
    return measure(folder, SETTINGS, {0: without("W_Q"), 1: diverged}), folder


def test_a_row_for_each_seed_variant_layer_and_norm(frame):
    keys = ["seed", "trained", "variant", "layer", "norm"]
    assert len(frame[0]) == len(frame[0].drop_duplicates(keys)) == 2 * 2 * 4 * 3 * 2
    assert set(frame[0]["k"]) == {8}
    assert set(frame[0]["n_prompts"]) == {SETTINGS["n_prompts_history"]}


def test_uniform_attention_collapses_and_random_attention_does_not(frame):
    alone = frame[0][(frame[0]["variant"] == "attention_only") & (frame[0]["seed"] == 0)]
    ratios = alone.pivot(index=["trained", "norm"], columns="layer", values="ratio")
    assert (ratios.loc[True, 1] < 1e-14).all()
    assert (ratios.loc[False, 1] > 0.01).all()
    assert (ratios[0] > 0.3).all()


def test_theorem_is_for_the_composite_norm_of_attention_alone(frame):
    rows = frame[0][(frame[0]["seed"] == 0) & frame[0]["trained"]]
    theirs = (rows["variant"] == "attention_only") & (rows["norm"] == "composite")
    theirs &= rows["layer"] > 0
    assert (rows.loc[theirs, "condition_share"] == 1).all()  # uniform attention: E = 0
    assert rows.loc[theirs & (rows["layer"] == 1), "bound"].tolist() == [0]
    assert rows.loc[~theirs, ["condition_share", "bound", "bound_ratio"]].isna().all(axis=None)


def test_whole_variant_has_the_risk_of_the_network(frame):
    rows, folder = frame
    network, stored = architecture(SETTINGS), read_tensors(folder / "evaluation.safetensors")[0]
    prompts = evaluation_prompts(stored, 8)
    stack = {n: t[None] for n, t in without("W_Q").items()}
    errors = (regression.forward(stack, prompts, network) - prompts.y_test).square()
    own = rows[(rows["seed"] == 0) & rows["trained"] & (rows["variant"] == "whole")]
    assert own["risk"].tolist() == pytest.approx([float(errors.mean()) / SETTINGS["d"]] * 6)


def test_diverged_weights_give_nan_and_leave_the_others(frame):
    columns = ["ratio", "ratio_median", "risk", "condition_share"]
    nan = frame[0][(frame[0]["seed"] == 1) & frame[0]["trained"]]
    assert nan[columns].isna().all(axis=None)
    assert frame[0].drop(nan.index)["ratio"].notna().all()


@pytest.mark.parametrize("changes", [{"attention": "linear"}, {"n_layers": 1}])
def test_other_networks_are_refused(tmp_path, changes):
    settings = SETTINGS | changes
    with pytest.raises(SystemExit, match="softmax attention in at least 2 layers"):
        measure(tmp_path, settings, {0: weights(settings, 0)})
