"""The sweep is planned in seconds, on a CPU and, stack by stack, on a GPU."""

import re
import resource

import pytest
import yaml
from tiny_study import ROOT, snakemake, succeeded

SWEEP = yaml.safe_load((ROOT / "config/sweep.yaml").read_text())


@pytest.mark.parametrize(("device", "n_jobs"), [("cpu", 504), ("cuda", 36)])
def test_sweep_is_planned_in_fifteen_seconds(clone, device, n_jobs):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    config = SWEEP | {"device": device}
    result = succeeded(snakemake(clone, "--dry-run", "--quiet", "host", "rules", config=config))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    counts = dict(re.findall(r"\n(\S+) +(\d+)(?=\n)", result.stdout))
    trainings = [name for name in counts if name.startswith("train_modular_addition_")]
    assert len(trainings) == int(counts["analyse_addition"]) == n_jobs
    assert int(counts["prepare_addition"]) == 6 * 14
    assert "follow_addition" not in counts
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # of the processor: other work does not count. Every run is a rule: its weights bear its seeds.
    assert seconds < 15
