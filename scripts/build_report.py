"""Build report.pdf with Typst from its prose, the numbers and the figures.

Fails, naming line and number, where the prose has a number that is typed in.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import pypdf
import typst

from mechanics.report.prose import problems
from mechanics.runtime.files import atomic
from mechanics.study.lineage import ROOT, short_id

PAGES, SOURCE = 2, ROOT / "workflow/report"


class ReportError(Exception):
    """A report that cannot be built. The message says why."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, default=SOURCE, help="folder of report.typ")
    parser.add_argument("--claims", required=True, type=Path, help="claims.json")
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="PDFs that it shows")
    parser.add_argument("--output", required=True, type=Path, help="report.pdf")
    arguments = parser.parse_args()
    try:
        with atomic(arguments.output) as part:
            build(arguments.source, arguments.claims, arguments.figures, part)
    except ReportError as error:
        sys.exit(f"build_report.py: {error}")


def build(source: Path, claims: Path, figures: list[Path], output: Path) -> None:
    """Raises ReportError if the prose has a number of its own, or if it does not fit its pages."""
    prose, content = source / "prose.typ", json.loads(claims.read_text("utf-8"))
    found = problems(prose.read_text("utf-8"), {*content["claims"], *content["directions"]})
    if found:
        raise ReportError("\n".join([f"{prose}:", *found]))
    captions = [source / f"{path.stem}_figure.rst" for path in figures]
    sources = sorted([*source.glob("*.typ"), *source.glob("*.bib")])
    content["id"] = short_id([claims, *figures], Path(__file__), *sources, *captions)
    content["captions"] = {
        figure.stem: [" ".join(text.split()) for text in caption.read_text("utf-8").split("\n", 1)]
        for figure, caption in zip(figures, captions, strict=True)
    }
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder)
        for path in sources:
            shutil.copy(path, staged)
        (staged / "claims.json").write_text(json.dumps(content), "utf-8")
        (staged / "figures").mkdir()
        for path in figures:
            shutil.copy(path, staged / "figures")
        try:
            pdf, warnings = typst.compile_with_warnings(
                str(staged / "report.typ"), ignore_system_fonts=True
            )
        except typst.TypstError as error:
            raise ReportError(f"{error.message} {' '.join(error.hints)}") from error
    if warnings:
        raise ReportError("Typst warns: " + "; ".join(warning.message for warning in warnings))
    output.write_bytes(pdf)
    n_pages = len(pypdf.PdfReader(output).pages)
    if n_pages > PAGES or (len(content["tracks"]) > 1 and n_pages < PAGES):
        said = f"{n_pages} pages, expected {PAGES}"
        if not any(own["absent"] for own in content["claims"].values()):
            raise ReportError(f"{said}: shorten or lengthen {prose}")
        print(f"{said}, of a study without some of the numbers")


if __name__ == "__main__":
    main()
