"""The evaluation of networks whose answers are known, and what becomes of a part without pairs."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import (
    addition_settings,
    addition_split,
    random_network,
    regression_settings,
    run_program,
    single,
    write_data,
    write_run,
)

from mechanics.addition.analysis import measure
from mechanics.addition.snapshots import read_snapshots
from mechanics.models.weights import write_network


def test_untrained_network_is_near_chance_and_parts_add_up():
    network = random_network()
    splits = {0: addition_split(network.settings)}
    rows = measure("evaluation", [network], splits)["evaluation"].set_index("split")
    assert rows["n_pairs"]["all"] == 121
    parts = rows[["n_pairs", "n_right"]].T
    assert (parts["train"] + parts["validation"]).equals(parts["all"])
    assert (parts["validation_new"] + parts["validation_swapped"]).equals(parts["validation"])
    assert rows["accuracy"]["all"] < 0.3
    assert rows["min_margin"]["all"] < 0


@pytest.mark.parametrize(
    ("part", "column", "value"),
    [("validation_swapped", "swapped_in_training", False), ("validation", "split", "train")],
)
def test_part_without_pairs_is_a_row_of_nan_with_n_0(part, column, value):
    networks = [random_network(p=7, train_fraction=0.98)]
    splits = {0: addition_split(networks[0].settings).assign(**{column: value})}
    rows = measure("evaluation", networks, splits)["evaluation"].set_index("split")
    assert rows.loc[part, ["n_pairs", "n_right"]].tolist() == [0, 0]
    assert rows.loc[part, ["accuracy", "loss", "min_margin"]].isna().all()
    assert rows.loc["all", ["accuracy", "loss", "min_margin"]].notna().all()
    ablated = measure("ablation", networks, splits)["ablation"].set_index("split")["loss"]
    assert ablated["validation"].isna().all() == (part == "validation")


def programs(folder, settings, seed=0):
    """Both programs on seed 0, with the split of a seed."""
    weights, network = folder / "seed0.safetensors", random_network()
    write_network(weights, replace(network, task=settings["task"], settings=settings))
    split = write_data(folder, addition_settings(), [seed])[0]
    run = write_run(folder, settings, single(network.weights))
    common = ("--split", split, "--output", folder / "out", "--device", "cpu")
    return (
        ("analyse_addition", "--weights", weights, *common),
        ("follow", "--run", run, "--shown", 0, *common),
    )


def test_programs_write_every_table_by_its_name_and_snapshots_of_the_seed_shown(tmp_path):
    _, follow = both = programs(tmp_path, addition_settings())
    for arguments in both:
        run_program(*arguments)
    written, snapshots = tmp_path / "out", tmp_path / "out/snapshots.safetensors"
    assert {path.stem for path in written.iterdir()} == {
        *("evaluation", "circuit", "identities", "circles", "embedding"),
        *("patched_neurons", "patched_groups", "ablation", "parsimony", "embedding_ablation"),
        *("attention", "progress", "spectra", "embedding_planes", "sum_in_stream", "sum_exchange"),
        *("phase_law", "neuron_phases", "wrap_around", "snapshots"),
    }
    own = random_network().weights["embed.W_E"][0].numpy()
    ((_, tensors),) = read_snapshots(snapshots)
    whole, scale = tensors["embed.W_E"]
    np.testing.assert_allclose(whole * scale, own, atol=0.51 * scale)
    run_program(*follow, "--shown", 7)  # of a run without that seed
    assert list(read_snapshots(snapshots)) == []


@pytest.mark.parametrize(
    ("settings", "seed", "message"),
    [
        (regression_settings(), 0, "task = linear_regression: expected modular_addition"),
        (addition_settings(), 1, "no split for seed 0"),
        (addition_settings(p=13), 0, "split of seed 0: 121 pairs, expected 169"),
    ],
)
def test_wrong_input_is_named_and_nothing_written(tmp_path, settings, seed, message):
    for arguments in programs(tmp_path, settings, seed):
        with pytest.raises(SystemExit, match=message):
            run_program(*arguments)
    assert not (tmp_path / "out").exists()
