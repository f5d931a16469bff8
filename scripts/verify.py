"""Compare a study, or what is published of one, with its provenance: every hash is computed anew.

Names each file that is not the one that was recorded or was made from other inputs, and each
program that was edited since. Ends with 1 if a file is altered, or if code that has moved on cannot
be had again because the recorded commit does not hold it; else with 0.
"""

import argparse
import sys
from pathlib import Path

from mechanics.study.lineage import ROOT, from_here
from mechanics.study.verification import altered, moved_on, read_provenance


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--study", required=True, type=Path, help="its folder, or what is published"
    )
    parser.add_argument("--lock", type=Path, default=from_here(ROOT / "envs/requirements.txt"))
    arguments = parser.parse_args()
    try:
        provenance = read_provenance(arguments.study)
    except ValueError as error:
        sys.exit(f"verify.py: {error}")
    kept, lost = moved_on(provenance, arguments.lock)
    findings = {
        "Altered since it was recorded": altered(arguments.study, provenance),
        "The code has moved on, and no commit that git knows holds what made these": lost,
        "The code has moved on; the recorded commit holds what made these": kept,
    }
    for title, lines in findings.items():
        if lines:
            print(f"{title}:", *lines, sep="\n  ")
    *wrong, _ = findings.values()
    if any(wrong):
        sys.exit(1)
    n_absent = len(provenance.get("left_out", []))
    absent = f", {n_absent} of them not published" if n_absent else ""
    print(f"{arguments.study}: {len(provenance['artefacts'])} files agree with it{absent}")


if __name__ == "__main__":
    main()
