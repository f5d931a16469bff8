"""What the page is told of a study's networks."""

import pandas as pd
from small_study import write_study

from mechanics.report.page.networks import prompts


def test_the_best_smoother_is_that_of_one_head(tmp_path):
    study, _ = write_study(tmp_path, ("linear_regression",))
    rows = [("softmax_L1_2heads", 0, 0.2, 1.6), ("softmax_L1_2heads", 1, 0.2, 1.6)]
    rows.append(("softmax_L1", 0, 0.5, 1.1))
    columns = ["model", "head", "omega_optimum", "scale_optimum"]
    pd.DataFrame(rows, columns=columns).to_csv(study / "tables/kernel_smoother.csv", index=False)
    assert prompts(study)["smoother"] == {"omega": 0.5, "scale": 1.1}
