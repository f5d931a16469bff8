"""The README says what the published claims say."""

import json
from pathlib import Path

import pytest

from mechanics.report.readme import BEGIN, END, ReadmeError, results_text, with_results

ROOT = Path(__file__).parents[2]
ROW = dict.fromkeys(["configuration", "task", "value", "flops", "interpretation"], "x")
CLAIMS = {"risk": {"text": "0.35", "absent": False}, "arm": {"text": "", "absent": True}}
CONTENT = {"claims": CLAIMS, "comparison": [ROW]}


def test_claims_are_filled_in_and_the_table_follows():
    text = results_text("The risk is {risk}.\n", CONTENT)
    assert text.startswith("The risk is 0.35.\n\n| Model configuration |")
    assert text.endswith("| x | x | x | x | x |\n")


def test_what_is_absent_is_left_out():
    text = results_text("It is so.[?arm:  The arm: {arm}.][?risk:  Risk {risk}.]\n", CONTENT)
    assert text.startswith("It is so. Risk 0.35.\n")


def test_an_unknown_claim_is_named():
    with pytest.raises(ReadmeError, match="no claim is called rsik"):
        results_text("{rsik}", CONTENT)


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
