"""The README says what the published claims say."""

import json
import re
from pathlib import Path

import pytest

from mechanics.report.readme import BEGIN, END, ReadmeError, results_text, with_results

ROOT = Path(__file__).parents[2]
ROW = dict.fromkeys(["configuration", "task", "value", "flops", "interpretation"], "x")
CLAIMS = {"risk": {"text": "0.35", "absent": False}, "arm": {"text": "", "absent": True}}
CONTENT = {"claims": CLAIMS, "comparison": [ROW]}


def test_claims_are_filled_in_and_the_table_follows():
    text = results_text("The risk is {risk}.\n\n{comparison}\n", CONTENT)
    assert text.startswith("The risk is 0.35.\n\n| Model configuration |")
    assert text.endswith("| x | x | x | x | x |\n")


def test_what_is_absent_is_left_out():
    text = results_text("It is so.[?arm:  The arm: {arm}.][?risk:  Risk {risk}.]\n", CONTENT)
    assert text == "It is so. Risk 0.35.\n"
    assert results_text("A study[!arm: , no arm][!risk: , no risk].", CONTENT) == "A study, no arm."


def test_an_unknown_claim_is_named():
    with pytest.raises(ReadmeError, match="no claim is called rsik"):
        results_text("{rsik}", CONTENT)
    with pytest.raises(ReadmeError, match="no claim is called rsik"):
        results_text("[!rsik: words]", CONTENT)


def test_only_the_block_is_replaced():
    readme = f"# Title\n{BEGIN}\nold\n{END}\nrest\n"
    assert with_results(readme, "new\n") == f"# Title\n{BEGIN}\nnew\n{END}\nrest\n"
    with pytest.raises(ReadmeError, match="has no block"):
        with_results("# Title\n", "new\n")


def test_this_readme_has_the_published_results():
    content = json.loads((ROOT / "results/published/report/claims.json").read_text())
    template = (ROOT / "workflow/report/readme.md").read_text()
    readme = (ROOT / "README.md").read_text()
    assert with_results(readme, results_text(template, content)) == readme


def test_readme_lists_every_table():
    """Each table of the workflow has a caption, two of them by its own name."""
    captions = (ROOT / "workflow/report").glob("*_table.rst")
    tables = {path.stem.removesuffix("_table") for path in captions}
    tables |= {path.stem for path in (ROOT / "results/published/tables").glob("*.csv")}
    assert len(tables) > 20
    readme = (ROOT / "README.md").read_text()
    assert [table for table in sorted(tables) if not re.search(rf"\b{table}\.", readme)] == []
