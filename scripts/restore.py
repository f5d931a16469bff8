"""Make a study of what is published: tables, figures and report can then be made without training.

Data, runs, weights and analyses come back where the config asks for the very same and the present
code made them (with --older-code: whatever code made them); the others are named, and Snakemake
will make them. Tables, figures, report, notebook and page are not copied: Snakemake makes them,
with this config and code. What is restored keeps its published provenance, in restored.json. An
existing study stays as it is.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from mechanics.runtime.files import atomic, sha256
from mechanics.settings import ConfigError, read_yaml
from mechanics.study.config import (
    SPLIT_MARK,
    blocks,
    evaluation_settings,
    load,
    models,
    split_settings,
    training_settings,
)
from mechanics.study.config_checks import check
from mechanics.study.lineage import RESTORED, settings_sha256
from mechanics.study.sweep import spelled_out
from mechanics.study.verification import altered, edited_since, listed, read_provenance

PARTS = ("data", "runs", "weights", "analysis")  # what is dear to make, in its order
OTHER_CODE = "made by other code"
OTHER_MACHINE = (
    "sampled here it is not the published one to the bit (another processor rounds otherwise), and"
    " is left out; another model or analysis would sample it anew, and train again what it judged"
)
NOTE = (
    "The checkpoints are not published: where the code or settings of an analysis change, Snakemake"
    " will plan to train its runs again."
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--published", type=Path, default=Path("results/published"))
    parser.add_argument(
        *("--config", "--configfile"),
        **{"type": Path, "nargs": "+", "default": [Path("config/config.yaml")]},
        help="config files in their order, config/config.yaml first",
    )
    parser.add_argument(
        "--older-code", action="store_true", help="restore also what other code than this made"
    )
    arguments = parser.parse_args()
    files = [str(path) for path in arguments.config]
    try:
        restore(arguments.published, files, arguments.older_code)
    except (ConfigError, OSError, ValueError) as error:
        sys.exit(f"restore.py: {error}")


def restore(published: Path, files: list[str], older_code: bool = False) -> None:
    """Raises ConfigError for a wrong config, ValueError for an existing study or altered files."""
    config = load(files)
    check(config, {file: read_yaml(file) for file in files})
    config = spelled_out(config)
    study = Path(config["results_folder"], config["study"])
    if study.exists():
        raise ValueError(f"{study} is there already: remove it, or name another study in {files}")
    provenance = read_provenance(published)
    if found := altered(published, provenance):
        raise ValueError(f"{published} is not as it was published:\n  " + "\n  ".join(found))

    against: dict[str, str] = {}  # why a file is not restored; empty: it is
    for path in dear(provenance, "data"):
        against[path] = changed(path, provenance, config, against, older_code)
    bring_back(published, study, against, provenance)
    if again := [path for path, why in against.items() if not why and not (study / path).exists()]:
        snakemake(files, *(str(study / path) for path in again))
        for path in again:
            if sha256(study / path) != provenance["artefacts"][path]["sha256"]:
                (study / path).unlink()  # what is restored was not made from it
                print(f"{study / path}: {OTHER_MACHINE}")
    for part in PARTS[1:]:  # in this order: dates follow the workflow
        own = dear(provenance, part)
        for path in own:
            against[path] = changed(path, provenance, config, against, older_code)
        bring_back(published, study, {path: against[path] for path in own}, provenance)
    restored = [path for path, why in against.items() if not why]
    remember(files, study, restored)
    keep_provenance(study, provenance, restored)
    report(study, against)


def dear(provenance: dict, part: str) -> list[str]:
    """Files of one part; of the analyses those of single runs, for the others are tables."""
    paths = [path for path in provenance["artefacts"] if path.startswith(f"{part}/")]
    return [path for path in paths if part != "analysis" or path.count("/") == 4]


def changed(
    path: str,
    provenance: dict,
    config: dict,
    against: dict[str, str],
    older_code: bool = False,
) -> str:
    """Why this file is not what the workflow would make now; empty if it is."""
    entry = provenance["artefacts"][path]
    part, task, *rest = path.split("/")
    if not config.get(task):
        return "not in the config"
    if not older_code and (edited := edited_since(provenance, path)):
        return f"{OTHER_CODE}: {', '.join(edited)}"
    if part in ("weights", "analysis"):
        return next((f"{name}: {against[name]}" for name in entry["inputs"] if against[name]), "")
    if part == "data":
        mark = "".join(Path(path).stem.partition(SPLIT_MARK)[1:])  # of a split of another fraction
        regression = task == "linear_regression"
        settings = evaluation_settings(config) if regression else split_settings(config, mark)
    else:
        model, block, _ = rest
        if model not in models(config[task]) or block not in blocks(config[task], model):
            return "not in the config"
        settings = training_settings(config, task, model)
    same = settings_sha256(settings) == entry["config_sha256"]
    return "" if same else "made with other settings than those of the config"


def bring_back(published: Path, study: Path, against: dict[str, str], provenance: dict) -> None:
    for path, why in against.items():
        if not why and path not in provenance["left_out"]:
            (study / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(published / path, study / path)


def remember(files: list[str], study: Path, restored: list[str]) -> None:
    """Let Snakemake note with which settings, code and inputs the restored files were made.

    It refuses to for a run without checkpoints: something stands in for them meanwhile.
    """
    absent = [study / path for path in restored if not (study / path).exists()]
    try:
        for path in absent:
            path.write_text("not published\n")
        if restored:
            targets = [str(study / path) for path in restored]
            snakemake(files, *targets, "--touch", "--forceall")
    finally:
        for path in absent:
            path.unlink(missing_ok=True)


def keep_provenance(study: Path, provenance: dict, restored: list[str]) -> None:
    """Write down what made the restored files: the present code and machine did not."""
    artefacts = {path: provenance["artefacts"][path] for path in restored}
    used = {entry["code_sha256"] for entry in artefacts.values()}
    kept = {key: provenance[key] for key in ("machine", "largest_job_memory_mb")}
    kept["code"] = {key: files for key, files in provenance["code"].items() if key in used}
    kept["left_out"] = [path for path in restored if not (study / path).exists()]
    text = json.dumps({**kept, "artefacts": artefacts}, indent=1)
    with atomic(study / RESTORED) as part:
        part.write_text(text + "\n")


def snakemake(files: list[str], *arguments: str) -> None:
    """Raises ValueError with all that it says if it fails; else nothing is told of it."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "1"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    result = subprocess.run(
        [*command, "--configfile", *files],
        check=False,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode:
        raise ValueError(
            f"Snakemake failed; remove the study's folder to begin again:\n{result.stdout}"
        )


def report(study: Path, against: dict[str, str]) -> None:
    for part in PARTS:
        own = {path: why for path, why in against.items() if path.startswith(f"{part}/")}
        n_restored = sum(not why and (study / path).exists() for path, why in own.items())
        print(f"{study}/{part}: {n_restored} of {len(own)} files restored")
        refused = defaultdict(set)
        for path, why in own.items():
            inherited = why.split("/")[0] in PARTS  # the path of what is not restored
            cause = "what it was made from is not restored" if inherited else why
            refused[cause].add(str(Path(path).parent.relative_to(part)))
        refused.pop("", None)  # no reason: restored, or published without its checkpoints
        for cause, folders in sorted(refused.items()):
            print(f"  not restored, will be made again if it is needed: {listed(sorted(folders))}")
            print(f"    {cause}")
    print(NOTE)
    if any(OTHER_CODE in why for why in against.values()):
        print("With --older-code (make restore OLDER_CODE=1) what other code made is restored too.")


if __name__ == "__main__":
    main()
