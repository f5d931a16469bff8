"""Publish a finished study: copy what is small to results/published/.

Left out are the checkpoints, the weights of variants that stand in the table norm_dose alone, and
what a clone makes again in minutes of what is published: analyses of published weights, the
held-out prompts, the notebook as a page. The record names each. The old content is replaced once
the new one is complete.

    python scripts/publish.py --study results/full
    python scripts/publish.py --restore     # a study of what is published, in a fresh clone
    python scripts/publish.py --remember    # a study whose folder .snakemake is lost

``mechanics.study.restored`` says what Snakemake plans of a restored or remembered study.
"""

import argparse
import json
import shutil
import sys
from itertools import chain
from pathlib import Path

import yaml

from mechanics.report import readme
from mechanics.runtime.files import sha256
from mechanics.settings import ConfigError
from mechanics.study import crate
from mechanics.study.lineage import ROOT
from mechanics.study.provenance import altered, moved_on
from mechanics.study.restored import remember, restore

BESIDES = "tables/benchmark.csv"  # made on request, and no part of the study's record
CONFIG, CHECKPOINTS = "config.yaml", "checkpoints.safetensors"
LARGEST = 8e6  # bytes of a file that is published


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--study", type=Path, help="to be published, e.g. results/full")
    what.add_argument("--restore", action="store_true", help="make a study of what is published")
    words = "tell Snakemake of an existing study, whose .snakemake is lost"
    what.add_argument("--remember", action="store_true", help=words)
    words = "what is published, default %(default)s"
    parser.add_argument("--output", type=Path, default=Path("results/published"), help=words)
    parser.add_argument("--readme", type=Path, help="its block of results is written anew")
    words = "of the study to restore or remember: files laid over config/config.yaml"
    parser.add_argument("--config", nargs="+", default=[], help=words)
    arguments = parser.parse_args()
    try:
        if arguments.restore:
            restore(arguments.output, arguments.config)
        elif arguments.remember:
            remember(arguments.config)
        else:
            publish(arguments.study, arguments.output, arguments.readme)
    except (ConfigError, OSError, ValueError, readme.ReadmeError) as error:
        sys.exit(f"publish.py: {error}")


def publish(study: Path, output: Path, filled: Path | None) -> None:
    """Replace what is published, once the new content is complete; ``filled``: the README.

    Raises ValueError for altered files.
    """
    fresh = output.with_name(f".{output.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    record = crate.read(study / crate.NAME)
    if found := altered(study, record):
        raise ValueError("the study is not as it was recorded:\n  " + "\n  ".join(found))
    hashes, again = record["sha256"], made_again(record)
    for path in [*hashes, BESIDES]:
        there = (study / path).is_file() and (study / path).stat().st_size <= LARGEST
        if there and path not in again:
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(study / path, fresh / path)
    (fresh / CONFIG).write_text(yaml.safe_dump(record["config"], sort_keys=False), "utf-8")
    added = {path: sha256(fresh / path) for path in (BESIDES, CONFIG) if (fresh / path).exists()}
    crate.write(fresh / crate.NAME, record | {"sha256": hashes | added})
    if filled:  # before anything is replaced: it may lack a claim
        content = json.loads((study / "report/claims.json").read_text("utf-8"))
        readme.update(filled, ROOT / "workflow/report/readme.md", content)
    shutil.rmtree(output, ignore_errors=True)
    fresh.rename(output)
    for line in chain(*moved_on(record)):
        print(f"The code has moved on since it was made: {line}")


def made_again(record: dict) -> set[str]:
    """What training alone makes and is too large, and what a clone makes in minutes of the rest."""
    cards = [job for job in record["jobs"] if "weights/README.md" in job["outputs"]]
    described = {path for job in cards for path in job["inputs"]}
    made = {path for job in record["jobs"] for path in job["outputs"]}
    large = {path for path in made if path.endswith(CHECKPOINTS)}
    large |= {path for path in made - described if Path(path).match("weights/*/*/*.safetensors")}
    found = large | {"notebook/study.html"}
    for job in record["jobs"]:
        if not (large | set(record["absent"])).intersection(job["inputs"]):
            found |= {path for path in job["outputs"] if path.startswith("analysis/")}
    return found


if __name__ == "__main__":
    main()
