"""The comparative table: every configuration on every task, against its references."""

from itertools import groupby

import pandas as pd

from mechanics.tables import comparison
from mechanics.tables.interpretation import MEASURED
from mechanics.tables.study import Study


def tables(study: Study) -> dict[str, pd.DataFrame | str]:
    """``comparative_metrics``, in the order of the assignment, and the same as Markdown.

    Models that vary another one are left out.
    """
    rows = []
    runs = [run for run in study.runs if run.parts[-2] not in study.variants]
    for (task, model), group in groupby(runs, key=lambda run: run.parts[-3:-1]):
        own = list(group)
        records = [study.records[run] for run in own]
        if task == "linear_regression":
            found = [together(study, own, name) for name in ("risk", "filters")]
            rows += comparison.regression_rows(model, records, *found, study.settings)
        else:
            measured = {name: together(study, own, name) for name in MEASURED}
            history = None
            if not study.is_imported(own[0]):
                histories = [pd.read_parquet(run / "history.parquet") for run in own]
                history = pd.concat(histories, ignore_index=True)
            rows += comparison.addition_rows(model, records, measured, history)
    rows = sorted(rows, key=comparison.assignment_order)
    table = pd.DataFrame(rows, columns=comparison.COLUMNS)
    return {"comparative_metrics": table, "comparative_metrics.md": comparison.as_markdown(table)}


def together(study: Study, runs: list, name: str) -> pd.DataFrame:
    return pd.concat([study.analysis(run, name) for run in runs], ignore_index=True)
