"""Compare a study, or what is published of one, with its provenance: every hash is computed anew.

Names each file that is not the one that was recorded or was made from other inputs, and each
program that was edited since. Ends with 0 if nothing is to be said, else with 1.
"""

import argparse
import sys
from pathlib import Path

from mechanics.verification import altered, moved_on, read_provenance


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--study", required=True, type=Path, help="its folder, or what is published"
    )
    parser.add_argument("--lock", type=Path, default=Path("envs/requirements.txt"))
    arguments = parser.parse_args()
    try:
        provenance = read_provenance(arguments.study)
    except ValueError as error:
        sys.exit(f"verify.py: {error}")
    findings = {
        "Altered since it was recorded": altered(arguments.study, provenance),
        "The code has moved on since it was made": moved_on(provenance, arguments.lock),
    }
    for title, lines in findings.items():
        if lines:
            print(f"{title}:", *lines, sep="\n  ")
    if any(findings.values()):
        sys.exit(1)
    n_absent = len(provenance.get("left_out", []))
    absent = f", {n_absent} of them not published" if n_absent else ""
    print(f"{arguments.study}: {len(provenance['artefacts'])} files agree with it{absent}")


if __name__ == "__main__":
    main()
