"""Every cluster profile is read, agrees with the default one, and plans the study."""

import re
from importlib.util import find_spec

import pytest
import yaml
from tiny_study import ROOT, TINY, snakemake

PROFILES = ROOT / "workflow" / "profiles"
CLUSTERS = ["slurm", "cluster-generic", "kubernetes"]


def read(name: str) -> dict:
    return yaml.safe_load((PROFILES / name / "config.yaml").read_text())


@pytest.mark.parametrize("name", CLUSTERS)
def test_profile_repeats_what_it_replaces(name):
    default, profile = read("default"), read(name)
    own = {"show-failed-logs": False} if name == "slurm" else {}  # its logs are a page each
    assert {key: profile.get(key) for key in default} == default | own


@pytest.mark.parametrize("name", [*CLUSTERS, "default"])
def test_every_value_of_a_profile_has_its_reason(name):
    """A comment on the line of each key, or on the line above it."""
    lines = (PROFILES / name / "config.yaml").read_text().splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r"[a-z][\w-]*:", line)]
    bare = [lines[n] for n in keys if "#" not in lines[n] + (lines[n - 1] if n else "")]
    nested = [line for line in bare if line.rstrip().endswith(":")]
    assert bare == nested, "no comment"


@pytest.mark.parametrize("name", CLUSTERS)
def test_profile_plans_the_study(clone, name):
    """Where the executor's plugin is missing, without the keys that it alone understands."""
    profile = read(name)
    plugin = f"snakemake_executor_plugin_{profile['executor'].replace('-', '_')}"
    own = [key for key in profile if key.startswith(f"{profile['executor']}-")]
    missing = find_spec(plugin) is None
    if missing:
        profile = {key: profile[key] for key in profile if key not in {"executor", *own}}
    (clone / "profile").mkdir()
    (clone / "profile" / "config.yaml").write_text(yaml.safe_dump(profile))
    result = snakemake(clone, "--dry-run", "--quiet", "host", "--workflow-profile", "profile")
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"\ntrain +7\n", result.stdout)
    if missing:
        pytest.skip(f"{plugin} is not installed: planned without executor and {', '.join(own)}")


@pytest.mark.parametrize(("device", "n_gpu"), [("auto", 0), ("cuda", 1)])
def test_gpu_is_asked_for_by_trainings_of_a_study_on_cuda_alone(clone, device, n_gpu):
    target = "results/tiny/analysis/modular_addition/softmax_L1/0/evaluation.parquet"
    result = snakemake(clone, "--dry-run", target, config=TINY | {"device": device})
    assert result.returncode == 0, result.stdout + result.stderr
    resources = re.findall(r"rule (\w+):.*?resources: (.*?)\n", result.stdout, re.DOTALL)
    asking = [rule for rule, line in resources if "gpu=" in line]
    assert asking == ["train"] * n_gpu
    devices = {rule: re.search(r"device=(\w+)", line) for rule, line in resources}
    assert devices["evaluate_addition"][1] == "auto"
    assert devices["train"][1] == device
