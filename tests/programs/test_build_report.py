"""The report from its real sources and made-up claims: two pages, or a reason why not."""

import json
import re
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import pypdf
import pytest
import yaml
from helpers import run_program

from mechanics.report.prose import problems, used

SOURCE = Path(__file__).parents[2] / "workflow" / "report"
FIGURES = ("report_regression", "report_addition", "report_cause")
DECLARED = yaml.safe_load((SOURCE / "claims.yaml").read_text())["claims"]


@pytest.fixture
def arguments(tmp_path) -> list:
    """Every declared claim with a text as long as a usual one, and empty figures."""
    claims = {
        name: {
            "text": own["words"][0] if "compare" in own else "0.1234",
            "interval": "0.1233 to 0.1235, n = 10",
            "absent": False,
        }
        for name, own in DECLARED.items()
    }
    row = dict.fromkeys(["configuration", "task", "value", "reference", "flops"], "words")
    content = {
        "tracks": ["linear_regression", "modular_addition"],
        "claims": claims,
        "comparison": [row | {"interpretation": "of several words " * 8}] * 6,
        "seeds": "79 replicas of 18 networks were trained; none diverged.",
        "footer": "trained at commit 0123456789 (2026-01-02)",
    }
    (tmp_path / "claims.json").write_text(json.dumps(content))
    shutil.copytree(SOURCE, tmp_path / "source")
    paths = [tmp_path / f"{name}.pdf" for name in FIGURES]
    for path in paths:
        plt.figure(figsize=(7, 1.75)).savefig(path, metadata={"CreationDate": None})
        plt.close()
    return [
        *("--source", tmp_path / "source", "--claims", tmp_path / "claims.json"),
        *("--figures", *paths, "--output", tmp_path / "report.pdf"),
    ]


def test_two_pages_and_the_same_bytes_when_built_again(arguments, tmp_path):
    run_program("build_report", *arguments)
    first = (tmp_path / "report.pdf").read_bytes()
    pages = pypdf.PdfReader(tmp_path / "report.pdf").pages
    assert len(pages) == 2
    assert [round(float(side)) for side in pages[0].mediabox[2:]] == [595, 842]  # A4, in points
    assert "0.1234" in pages[0].extract_text()
    assert re.search(
        r"provenance:[0-9a-f]{12}", pypdf.PdfReader(tmp_path / "report.pdf").metadata["/Keywords"]
    )
    run_program("build_report", *arguments)
    assert (tmp_path / "report.pdf").read_bytes() == first


def test_prose_that_states_a_number_builds_nothing(arguments, tmp_path):
    prose = tmp_path / "source" / "prose.typ"
    prose.write_text(prose.read_text().replace('#c("c_star")', "0.6338"))
    with pytest.raises(SystemExit, match=r"the number “0.6338.*” is no claim"):
        run_program("build_report", *arguments)
    assert not (tmp_path / "report.pdf").exists()


def test_a_third_page_is_refused(arguments, tmp_path):
    prose = tmp_path / "source" / "prose.typ"
    prose.write_text(
        prose.read_text().replace("#let limits = [", "#let limits = [" + "words " * 2000)
    )
    with pytest.raises(SystemExit, match="pages, expected 2"):
        run_program("build_report", *arguments)


def test_every_claim_of_the_prose_is_declared():
    prose = (SOURCE / "prose.typ").read_text()
    assert problems(prose, DECLARED) == []
    assert used(prose) <= set(DECLARED)


def test_every_claim_that_is_declared_is_used():
    in_readme = re.findall(r"[{?](\w+)[}:]", (SOURCE / "readme.md").read_text())
    needed = used((SOURCE / "prose.typ").read_text()) | set(in_readme)
    for own in DECLARED.values():
        operands = [*own.get("compare", []), *own.get("having", [])]
        needed |= {part["claim"] if isinstance(part, dict) else part for part in operands}
    assert set(DECLARED) - needed == set()
