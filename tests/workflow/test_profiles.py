"""Every cluster profile is read, agrees with the default one, and plans the study."""

import json
import os
import re
import sys

import pytest
import yaml
from tiny_study import ROOT, TINY, snakemake, succeeded

PROFILES = ROOT / "workflow" / "profiles"
CLUSTERS = ["slurm", "cluster-generic", "kubernetes"]


def read(name: str) -> dict:
    return yaml.safe_load((PROFILES / name / "config.yaml").read_text())


@pytest.mark.parametrize("name", CLUSTERS)
def test_profile_repeats_what_it_replaces(name):
    default, profile = read("default"), read(name)
    own = {"show-failed-logs": False} if name == "slurm" else {}  # its logs are a page each
    assert {key: profile.get(key) for key in default} == default | own


@pytest.mark.parametrize("name", CLUSTERS)
def test_profile_plans_the_study(clone, name):
    profile = f"workflow/profiles/{name}"
    result = succeeded(
        snakemake(clone, "--dry-run", "--quiet", "host", "--workflow-profile", profile)
    )
    assert len(set(re.findall(r"\n(train_\S+) +1(?=\n)", result.stdout))) == 9


KUBECTL = """\
#!{python}
# Runs a Job at home, as soon as it is created; no cluster is needed.
import json, pathlib, subprocess, sys
folder, verb = pathlib.Path({folder!r}), sys.argv[1]
if verb == "create":
    job = json.load(sys.stdin)
    name = job["metadata"]["generateName"] + str(len(list(folder.glob("*.json"))))
    (folder / f"{{name}}.json").write_text(json.dumps(job))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    ended = subprocess.run(container["command"], cwd=container["workingDir"], capture_output=True)
    (folder / f"{{name}}.code").write_text(str(ended.returncode))
    print(name)
elif verb == "get":
    name = next(word for word in sys.argv if word.startswith("transformer-mechanics-"))
    print("1/" if (folder / f"{{name}}.code").read_text() == "0" else "/1")
"""


def test_kubernetes_runs_each_job_in_a_pod_with_its_resources(clone, tmp_path, monkeypatch):
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    kubectl = jobs / "kubectl"
    kubectl.write_text(KUBECTL.format(python=sys.executable, folder=str(jobs)))
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{jobs}:{os.environ['PATH']}")
    target = "results/tiny/data/modular_addition/split_seed0.parquet"
    options = ["--workflow-profile", "workflow/profiles/kubernetes"]
    options += ["--seconds-between-status-checks", "1", "--latency-wait", "5"]
    succeeded(snakemake(clone, target, *options))
    assert (clone / target).exists()
    (job,) = [json.loads(path.read_text()) for path in jobs.glob("*.json")]
    pod = job["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["cpu"] == "1"
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "study"}
    assert job["metadata"]["annotations"]["rule"] == "prepare_addition"


@pytest.mark.parametrize(("device", "n_gpu"), [("auto", 0), ("cuda", 1)])
def test_gpu_is_asked_for_by_trainings_of_a_study_on_cuda_alone(clone, device, n_gpu):
    target = "results/tiny/analysis/modular_addition/softmax_L1/0/evaluation.parquet"
    result = succeeded(snakemake(clone, "--dry-run", target, config=TINY | {"device": device}))
    resources = re.findall(r"rule (\w+):.*?resources: (.*?)\n", result.stdout, re.DOTALL)
    asking = [rule for rule, line in resources if "gpu=" in line]
    assert asking == ["train_modular_addition_softmax_L1_0"] * n_gpu
    devices = {rule: re.search(r"device=(\w+)", line) for rule, line in resources}
    assert devices["analyse_addition"][1] == "auto"
    assert devices["train_modular_addition_softmax_L1_0"][1] == device
