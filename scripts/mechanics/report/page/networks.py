"""What the page's networks are made of: a study's folder in, plain data out.

What a study lacks is None or empty, and the page says so in its place.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from mechanics.addition.measures import SNAPSHOTS
from mechanics.addition.snapshots import read_snapshots
from mechanics.models.weights import Network
from mechanics.regression.laws.risk import optimal_step_size
from mechanics.report.page.pack import (
    as_text,
    pack_network,
    planes_as_text,
    rounded,
    shares_as_text,
)
from mechanics.study.results import final_networks, model_for, networks, table

DOSE = ("entry", "arm", "norm_factor", "temperature", "epsilon", "weight_decay", "seed", "status")
DOSE += ("grokking_step", "last_step")
STREAM = ("position", "layer", "quantity", "frequency", "value")
IN_STREAM = ("share_sum", "spectrum", "sum_taken")


def page_data(study: Path, runs: list[Path]) -> dict:
    """What the page's scripts read. ``runs``: folders of the addition runs whose training it shows,
    that of the network which runs in the page first."""
    tasks = {task for task, _ in networks(study)}
    return {
        "addition": addition(study, runs) if "modular_addition" in tasks else None,
        "prompts": prompts(study) if "linear_regression" in tasks else None,
    }


def tensors_of(network: Network) -> dict[str, tuple[np.ndarray, None]]:
    """The weights as they are, float32."""
    return {name: (tensor[0].numpy(), None) for name, tensor in network.weights.items()}


def records(frame: pd.DataFrame | None) -> list[dict]:
    """Rows as they stand in JSON: nan is null."""
    return [] if frame is None else json.loads(frame.to_json(orient="records", double_precision=8))


def whole(value: float) -> int | None:
    return None if pd.isna(value) else int(value)


def addition(study: Path, runs: list[Path]) -> dict | None:
    """None without a network that the page can run."""
    model = runs[0].parts[-2] if runs else (model_for(study, "clock") or (None, None))[1]
    final = final_networks(study, "modular_addition", model) if model else []
    if not final:
        return None
    network, settings = final[0], final[0].settings
    doses = table(study, "norm_dose")
    return {
        "model": model,
        "seed": network.seed,
        "p": settings["p"],
        "step": network.step,
        "network": pack_network(tensors_of(network)),
        "trained": trained_pairs(study, network.seed),
        "runs": trainings(study, runs, network),
        "doses": records(doses[list(DOSE)] if doses is not None else None),
        "deep": deep(study),
    }


def trained_pairs(study: Path, seed: int) -> str | None:
    """A bit for each pair, b running fastest: whether it was trained on."""
    path = study / f"data/modular_addition/split_seed{seed}.parquet"
    if not path.exists():
        return None
    split = pd.read_parquet(path).sort_values(["a", "b"])
    return as_text(np.packbits(split["split"].to_numpy() == "train", bitorder="little"))


def trainings(study: Path, runs: list[Path], network: Network) -> list[dict]:
    """What is known of the training of one seed of each run; a run is left out that stands neither
    in the table grokking nor in norm_dose, which has those with a held norm."""
    found = [own for name in ("grokking", "norm_dose") if (own := table(study, name)) is not None]
    if not found:
        return []
    rows = pd.concat(found, ignore_index=True).drop_duplicates(["entry", "seed"])
    rows["first_reached_step"] = rows["first_reached_step"].fillna(rows["grokking_step"])
    of_runs = [(run, rows[rows["entry"] == run.parts[-2]].sort_values("seed")) for run in runs]
    return [training(study, run, own.iloc[0], network) for run, own in of_runs if len(own)]


def training(study: Path, run: Path, row: pd.Series, network: Network) -> dict:
    """One seed of a run, which this row of a table is about, through its training."""
    settings = json.loads((run / "run.json").read_text("utf-8"))["settings"]
    seed, analysis = int(row["seed"]), study.joinpath("analysis", *run.parts[-3:])
    history = pd.read_parquet(run / "history.parquet").query("seed == @seed")
    wide = history.pivot(index="step", columns="split", values=["accuracy", "norm_squared"])
    curves = {
        f"accuracy_{split}": rounded(wide["accuracy", split]) for split in ("train", "validation")
    }
    curves["norm_squared"] = rounded(wide["norm_squared", "train"])
    steps = ("memorised", "first_reached", "grokking", "last")
    return {
        "held": settings.get("norm", "free") == "held",
        "weight_decay": settings["weight_decay"],
        "status": row["status"],
        **{name: whole(float(row[f"{name}_step"])) for name in steps},
        "history": {"step": wide.index.tolist(), **curves},
        "snapshots": snapshots(
            analysis / SNAPSHOTS, network if row["entry"] == network.model else None
        ),
        **circles(analysis, seed),
    }


def snapshots(path: Path, final: Network | None) -> list[dict]:
    """Networks on the way, which take most of the page's room.

    So the last one of the network that runs in the page, ``final``, is not there: it is the network
    itself. Of another training there is every third and the last.
    """
    found = [
        {"step": step, "network": pack_network(tensors)}
        for step, tensors in (read_snapshots(path) if path.exists() else [])
    ]
    if final is None:
        return [*found[:-1:3], *found[-1:]]
    before = [own for own in found if own["step"] < final.step]
    return [*before, {"step": final.step, "network": None}]


def circles(analysis: Path, seed: int) -> dict:
    """The spectrum of W_E and the numbers in each key plane, at every checkpoint."""
    if not (analysis / "spectra.parquet").exists():
        return {"steps": [], "spectra": None, "planes": {}}
    spectra = pd.read_parquet(analysis / "spectra.parquet").query("seed == @seed")
    shares = spectra[spectra["matrix"] == "W_E"].pivot(
        index="step", columns="frequency", values="share"
    )
    planes = pd.read_parquet(analysis / "embedding_planes.parquet").query("seed == @seed")
    found = {}
    for key, own in planes.groupby("frequency"):
        ordered = own.sort_values(["step", "number"])[["x", "y"]].to_numpy(float)
        points, units = planes_as_text(ordered.reshape(len(shares), -1, 2))
        found[int(key)] = {"points": points, "units": units}
    spectrum = shares_as_text(shares.to_numpy())
    return {"steps": shares.index.tolist(), "spectra": spectrum, "planes": found}


def deep(study: Path) -> dict | None:
    """The deepest addition network's embedding and where the sum appears in its stream."""
    found = [
        own[0]
        for task, model in networks(study)
        if task == "modular_addition" and (own := final_networks(study, task, model))
        if own[0].architecture.n_layers > 1
    ]
    if not found:
        return None
    trained = [own for own in found if "weights" not in own.settings] or found  # none imported
    network = min(trained, key=lambda own: (-own.architecture.n_layers, len(own.model)))
    stream, exchange = (
        own if own is None else own[(own["entry"] == network.model) & (own["seed"] == network.seed)]
        for own in (table(study, "sum_in_stream"), table(study, "sum_exchange"))
    )
    if stream is not None:
        stream = stream.loc[stream["quantity"].isin(IN_STREAM), list(STREAM)]
    return {
        "n_layers": network.architecture.n_layers,
        "embedding": pack_network({"W_E": (network.weights["embed.W_E"][0].numpy(), None)}),
        "stream": records(stream),
        "exchange": records(exchange),
    }


def prompts(study: Path) -> dict | None:
    """The regression networks on d dimensions, a seed of each, and the step that theory takes."""
    compared, smoother = table(study, "comparative_metrics"), table(study, "kernel_smoother")
    models = set() if compared is None else set(compared["model"])  # without variants
    known = []
    if smoother is not None:  # of one head the best of all context lengths; two have another
        one_head = smoother[smoother.groupby("model")["head"].transform("max") == 0]
        known = one_head[["omega_optimum", "scale_optimum"]].dropna().to_numpy(float).tolist()
    found = []
    for task, model in networks(study):
        shown = task == "linear_regression" and model in models
        own = final_networks(study, task, model) if shown else []
        if own and not own[0].settings["d_max"]:
            found.append(own[0])
    if not found:
        return None
    settings = found[0].settings
    lengths = range(settings["k_min"], settings["k_max"] + 1)
    found.sort(key=lambda own: (own.architecture.n_layers, len(own.model), own.model))
    return {
        "d": settings["d"],
        "k_min": settings["k_min"],
        "k_max": settings["k_max"],
        "step_size": optimal_step_size(settings["d"], lengths),
        "smoother": dict(zip(("omega", "scale"), known[0], strict=True)) if known else None,
        "networks": [describe(network) for network in found],
    }


def describe(network: Network) -> dict:
    own = network.architecture
    names = ("attention", "n_layers", "n_heads", "d_model", "d_head", "d_mlp", "layer_norm")
    names += ("embedded", "zero_tokens", "y_scale", "skips")
    return {
        "model": network.model,
        "seed": network.seed,
        "architecture": {name: getattr(own, name) for name in names},
        "network": pack_network(tensors_of(network)),
    }
