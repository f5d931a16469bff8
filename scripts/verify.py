"""Compare a study, or what is published of one, with its record: every hash is computed anew.

Names each file that is missing, is not the one that was recorded, or was made from other inputs,
each run that was trained with other settings than those of the recorded config, and each program
that was edited since. Ends with 1 for all of these but the last, and for that if the recorded
commit does not hold the code that has moved on, so that it cannot be had again.
"""

import argparse
import sys
from pathlib import Path

from mechanics.study import crate
from mechanics.study.lineage import why_no_history
from mechanics.study.provenance import altered, moved_on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    words = "its folder, or what is published"
    parser.add_argument("--study", required=True, type=Path, help=words)
    study = parser.parse_args().study
    try:
        record = crate.read(study / crate.NAME)
    except ValueError as error:
        sys.exit(f"verify.py: {error}")
    wrong = altered(study, record)
    kept, lost = moved_on(record)
    why = f" ({reason})" if lost and (reason := why_no_history()) else ""
    for title, lines in {
        "Not as it was recorded": wrong,
        f"The code has moved on, and no commit that git knows holds what made these{why}": lost,
        "The code has moved on; the recorded commit holds what made these": kept,
    }.items():
        if lines:
            print(f"{title}:", *lines, sep="\n  ")
    if wrong or lost:
        sys.exit(1)
    absent = f", {len(record['absent'])} of them not published" if record["absent"] else ""
    print(f"{study}: {len(record['sha256'])} files agree with its record{absent}")


if __name__ == "__main__":
    main()
