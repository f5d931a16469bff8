"""An addition run followed, on checkpoints whose measures are known."""

import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from clock_network import clock_network, final
from helpers import addition_settings, addition_split, random_weights, write_checkpoints

from mechanics.addition.following import COLUMNS, follow_progress
from mechanics.training.checkpoint import Run

P, FREQUENCIES = 59, (4, 17, 29)
NETWORK = final(*clock_network(P, FREQUENCIES))
CLOCK = {name: tensor[0] for name, tensor in NETWORK.weights.items()}
UNTRAINED = random_weights(NETWORK.settings, NETWORK.settings["d_model"] ** -0.5)


def analyse(folder: Path, *about) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of the run that ``write_checkpoints`` writes of these."""
    run = Run(write_checkpoints(folder, *about))
    tables = follow_progress(run, {0: addition_split(run.settings)}, torch.device("cpu"))
    assert tables["progress"].columns.tolist() == COLUMNS
    return tables["progress"], tables["spectra"]


def test_clock_is_seen_to_arise(tmp_path):
    """A random network has become a clock at the second checkpoint."""
    checkpoints = {(0, 0): UNTRAINED, (0, 20): CLOCK}
    progress, spectra = analyse(tmp_path, NETWORK.settings, checkpoints)
    before, after = progress.iloc[0], progress.iloc[1]
    assert progress["step"].tolist() == [0, 20]
    assert progress["n_final_keys"].tolist() == [3, 3]
    parts = ("train", "validation", "validation_swapped", "validation_new")
    accuracy = progress[[f"accuracy_{split}" for split in parts]].to_numpy()
    assert accuracy[0] == pytest.approx(1 / P, abs=0.05)
    assert (accuracy[1] == 1).all()
    for kind in ("restricted", "excluded"):
        assert before[f"{kind}_loss_all"] == pytest.approx(before["loss_train"], rel=0.1)
    assert after["restricted_loss_all"] < 0.01 < math.log(P) < after["excluded_loss_all"]
    assert before["logit_fve"] < 0.01
    assert after["logit_fve"] > 0.99
    assert after["effective_rank_W_E"] == pytest.approx(2 * len(FREQUENCIES), abs=1e-3)
    norm = sum(float(tensor.square().sum()) for tensor in CLOCK.values())
    assert after["norm_squared"] == pytest.approx(norm, rel=1e-6)
    shares = spectra[spectra["step"] == 20].set_index("frequency")["share"]
    assert shares.index.tolist() == list(range(1, 30))
    assert shares[list(FREQUENCIES)].sum() == pytest.approx(1, abs=0.01)


def test_diverged_replica_keeps_its_rows_without_measures_of_key_frequencies(tmp_path):
    broken = {name: tensor * math.nan for name, tensor in CLOCK.items()}
    checkpoints = {(0, 0): CLOCK, (0, 20): broken}
    progress, spectra = analyse(tmp_path, NETWORK.settings, checkpoints, "diverged")
    assert progress["n_final_keys"].tolist() == [0, 0]
    keyed = [c for c in COLUMNS if c.startswith(("restricted", "excluded")) or c == "logit_fve"]
    assert progress.iloc[0][keyed].isna().all()
    assert progress.iloc[0].drop(keyed).notna().all()
    assert progress["accuracy_train"].iloc[0] == 1
    known = ["seed", "step", "p", "n_final_keys"]
    assert progress.iloc[1].drop(known).isna().all()
    assert spectra["step"].unique().tolist() == [0]


def test_a_deep_network_is_followed(tmp_path):
    settings = addition_settings(p=13, n_layers=2, layer_norm=True)
    progress, spectra = analyse(tmp_path, settings, {(0, 20): random_weights(settings)})
    assert progress["loss_all"].notna().all()
    assert len(spectra) == 6
