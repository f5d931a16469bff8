"""Give Snakemake's jobs to Kubernetes, through kubectl: one Job of one pod for each.

Snakemake's own Kubernetes executor takes an object store for every file; here all pods mount the
volume on which the clone lies, as the nodes of other clusters do.

    python jobs.py submit --image IMAGE --claim CLAIM --mount PATH JOBSCRIPT    # prints its name
    python jobs.py status NAME                                # running, success or failed
    python jobs.py cancel NAME …
"""

import argparse
import json
import subprocess
from pathlib import Path

PROPERTIES = "# properties = "  # the line of a job script that says what the job is


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    submit = commands.add_parser("submit")
    submit.add_argument("script", type=Path)
    for option in ("--image", "--claim", "--mount"):
        submit.add_argument(option, required=True)
    commands.add_parser("status").add_argument("name")
    commands.add_parser("cancel").add_argument("names", nargs="+")
    arguments = parser.parse_args()
    if arguments.command == "submit":
        text = json.dumps(
            manifest(arguments.script, arguments.image, arguments.claim, arguments.mount)
        )
        print(kubectl("create", "-f", "-", "-o", "jsonpath={.metadata.name}", given=text))
    elif arguments.command == "status":
        print(status(arguments.name))
    else:
        kubectl("delete", "job", "--ignore-not-found", *arguments.names)


def manifest(script: Path, image: str, claim: str, mount: str) -> dict:
    """The Job that runs a job script where it lies, with the cores, memory and time of its rule.

    Raises ValueError if the script does not say what it needs.
    """
    lines = script.read_text().splitlines()
    said = [line.removeprefix(PROPERTIES) for line in lines if line.startswith(PROPERTIES)]
    if not said:
        raise ValueError(f"{script}: no line {PROPERTIES!r}: not a job script of Snakemake")
    job = json.loads(said[0])
    needed = {"cpu": str(job["threads"]), "memory": f"{job['resources']['mem_mb']}M"}
    if n_gpus := job["resources"].get("gpu"):
        needed["nvidia.com/gpu"] = str(n_gpus)
    container = {
        "name": "job",
        "image": image,
        "command": ["sh", str(script.resolve())],
        "workingDir": str(Path.cwd()),
        "resources": {"requests": needed, "limits": needed},
        "volumeMounts": [{"name": "study", "mountPath": mount}],
    }
    volume = {"name": "study", "persistentVolumeClaim": {"claimName": claim}}
    pod = {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "generateName": "transformer-mechanics-",
            "annotations": {"rule": str(job.get("rule")), "jobid": str(job.get("jobid"))},
        },
        "spec": {
            "backoffLimit": 0,  # Snakemake runs it again
            "activeDeadlineSeconds": 60 * job["resources"]["runtime"],
            "template": {"spec": pod},
        },
    }


def status(name: str) -> str:
    """What Snakemake asks for. A Job that is gone has failed."""
    counts = "jsonpath={.status.succeeded}/{.status.failed}"
    found = kubectl("get", "job", "--ignore-not-found", name, "-o", counts)
    succeeded, _, failed = found.partition("/")
    if succeeded:
        return "success"
    return "failed" if failed or not found else "running"


def kubectl(*arguments: str, given: str | None = None) -> str:
    result = subprocess.run(
        ["kubectl", *arguments], input=given, check=True, stdout=subprocess.PIPE, text=True
    )
    return result.stdout.strip()


if __name__ == "__main__":
    main()
