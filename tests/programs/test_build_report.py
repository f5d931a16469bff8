"""The report from its real sources and made-up numbers: two pages, or a reason why not."""

import json
import re
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import pypdf
import pytest
from helpers import run_program

from mechanics.figures import registry
from mechanics.report.cells import DIVERGED
from mechanics.report.directions import directions
from mechanics.report.numbers import numbers

SOURCE = Path(__file__).parents[2] / "workflow" / "report"
NAMES = numbers({}, {})
STATED = directions({}, NAMES, {})


@pytest.fixture
def arguments(tmp_path) -> list:
    """Every number with a text as long as a usual one, every direction held, and empty figures."""
    usual = {"text": "0.1234", "interval": "0.1233 to 0.1235, n = 10", "absent": False}
    row = dict.fromkeys(["configuration", "task", "value", "reference", "flops"], "words")
    content = {
        "tracks": ["linear_regression", "modular_addition"],
        "claims": dict.fromkeys(NAMES, usual),
        "directions": {name: own | {"holds": True} for name, own in STATED.items()},
        "comparison": [row | {"interpretation": "of several words " * 8}] * 6,
        "seeds": "79 replicas of 18 networks were trained; none diverged.",
        "footer": "trained at commit 0123456789 (2026-01-02)",
    }
    (tmp_path / "claims.json").write_text(json.dumps(content))
    shutil.copytree(SOURCE, tmp_path / "source")
    paths = [tmp_path / f"{name}.pdf" for name in registry.REPORT]
    for path in paths:
        plt.figure(figsize=(3.4, 2.5)).savefig(path, metadata={"CreationDate": None})
        plt.close()
    return [
        *("--source", tmp_path / "source", "--claims", tmp_path / "claims.json"),
        *("--figures", *paths, "--output", tmp_path / "report.pdf"),
    ]


def change(folder: Path, **content) -> None:
    path = folder / "claims.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | content))


def text_of(arguments: list) -> str:
    """What the report says that is built with these."""
    run_program("build_report", *arguments)
    pages = pypdf.PdfReader(arguments[-1]).pages
    return " ".join("".join(page.extract_text() for page in pages).split())


def test_two_pages_and_the_same_bytes_when_built_again(arguments, tmp_path):
    run_program("build_report", *arguments)
    first = (tmp_path / "report.pdf").read_bytes()
    report = pypdf.PdfReader(tmp_path / "report.pdf")
    assert len(report.pages) == 2
    assert [round(float(side)) for side in report.pages[0].mediabox[2:]] == [595, 842]  # A4, points
    assert "0.1234" in report.pages[0].extract_text()
    assert re.search(r"provenance:[0-9a-f]{12}", report.metadata["/Keywords"])
    run_program("build_report", *arguments)
    assert (tmp_path / "report.pdf").read_bytes() == first


@pytest.mark.parametrize(
    ("part", "instead", "words"),
    [
        ('#c("c_star")', "0.6338", "the number “0.6338.*” is typed in"),
        ("#let limits = [", "#let limits = [" + "words " * 2000, "pages, expected 2"),
    ],
)
def test_a_typed_in_number_and_a_third_page_build_nothing(
    arguments, tmp_path, part, instead, words
):
    prose = tmp_path / "source" / "prose.typ"
    prose.write_text(prose.read_text().replace(part, instead))
    with pytest.raises(SystemExit, match=words):
        run_program("build_report", *arguments)
    assert not (tmp_path / "report.pdf").exists()


def test_a_study_without_anything_says_what_is_missing(arguments, tmp_path):
    stated = STATED | {"all_right": STATED["all_right"] | {"holds": False}}
    change(tmp_path, claims=NAMES, comparison=[], directions=stated)
    text = text_of(arguments)
    assert "No softmax network of this study has key frequencies." in text
    assert "In this study it does not hold that every seed answers all pairs." in text
    assert "One linear layer is one gradient step" not in text


def test_where_every_seed_diverged_the_report_says_so_on_as_many_pages_as_it_takes(
    arguments, tmp_path
):
    change(tmp_path, claims={name: own | {"text": DIVERGED} for name, own in NAMES.items()})
    assert DIVERGED in text_of(arguments)


@pytest.mark.parametrize(
    ("track", "missing"),
    [("linear_regression", "Track B, modular"), ("modular_addition", "Track A, regression")],
)
def test_one_track_alone_is_a_report(arguments, tmp_path, track, missing):
    change(tmp_path, tracks=[track])
    assert missing in text_of(arguments)
