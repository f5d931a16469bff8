"""The risk of every regression network, seed and context length, beside its laws."""

import argparse
import json
from pathlib import Path

import pandas as pd

from mechanics.algorithms.risk import one_step_risk, optimal_step_size
from mechanics.references import mixture_risk, reference_risks
from mechanics.training.checkpoint import atomic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    parser.add_argument(
        "--analysis", required=True, type=Path, nargs="+", help="risk.parquet of each, in order"
    )
    parser.add_argument("--output", required=True, type=Path, help="CSV, a row per model, seed, k")
    arguments = parser.parse_args()
    parts = [
        beside_laws(folder, pd.read_parquet(path))
        for folder, path in zip(arguments.runs, arguments.analysis, strict=True)
    ]
    with atomic(arguments.output) as part:
        pd.concat(parts).to_csv(part, index=False)


def beside_laws(folder: Path, risks: pd.DataFrame) -> pd.DataFrame:
    """One run's rows: model, seed, status, k, what was measured, and what theory says."""
    record = json.loads((folder / "run.json").read_text())
    settings = record["settings"]
    d, k_min, k_max = settings["d"], settings["k_min"], settings["k_max"]
    status = {replica["seed"]: replica["status"] for replica in record["replicas"]}
    levels = {k: reference_risks(d, k) for k in risks["k"].unique().tolist()}
    return pd.DataFrame(
        {
            "model": folder.parent.name,
            "seed": row.seed,
            "status": status[row.seed],
            "k": row.k,
            "risk": row.risk,
            "risk_se": row.risk_se,
            "risk_median": row.risk_median,
            "one_step_optimum": levels[row.k]["one-step optimum r*"],
            "one_step_mixture": mixture_risk(d, k_min, k_max, row.k),
            "ols": levels[row.k]["OLS"],
            "c_hat": row.c_hat,
            "c_star": optimal_step_size(d, range(k_min, k_max + 1)),
            "isotropy": row.isotropy,
            "risk_at_c_hat": one_step_risk(row.c_hat, d, row.k),
        }
        for row in risks.itertuples()
    )


if __name__ == "__main__":
    main()
