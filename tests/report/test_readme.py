"""The README says what the published tables say."""

import re
from pathlib import Path

import pytest

from mechanics.report.readme import BEGIN, END, ReadmeError, results_text, with_results

ROOT = Path(__file__).parents[2]
ROW = dict.fromkeys(["configuration", "task", "value", "flops", "interpretation"], "x")
NUMBERS = {"risk": {"text": "0.35", "absent": False}, "arm": {"text": "none", "absent": True}}
DIRECTIONS = {"falls": {"holds": True}, "rises": {"holds": False}, "stays": {"holds": None}}
CONTENT = {"claims": NUMBERS, "directions": DIRECTIONS, "comparison": [ROW]}


def test_numbers_are_filled_in_and_the_table_follows():
    text = results_text("The risk is {risk}.\n\n{comparison}\n", CONTENT)
    assert text.startswith("The risk is 0.35.\n\n| Model configuration |")
    assert text.endswith("| x | x | x | x | x |\n")


def test_a_line_without_its_number_or_direction_is_left_out():
    text = "Risk {risk}.\nThe arm: {arm}.\n{falls}It falls.\n{rises}It rises.\n{stays}It stays.\n"
    assert results_text(text, CONTENT) == "Risk 0.35.\nIt falls.\n"


def test_an_unknown_name_and_a_number_that_is_typed_in_are_refused():
    with pytest.raises(ReadmeError, match=r"no number is called rsik\n.*0.35.*is typed in"):
        results_text("It is {rsik}.\nIt is 0.35.", CONTENT)


def test_only_the_block_is_replaced():
    readme = f"# Title\n{BEGIN}\n{{}}{END}\nrest\n"
    assert with_results(readme.format("old\n"), "new\n") == readme.format("new\n")
    with pytest.raises(ReadmeError, match="has no block"):
        with_results("# Title\n", "new\n")


def test_this_readme_has_the_numbers_of_the_published_tables(content):
    template = (ROOT / "workflow/report/readme.md").read_text()
    readme = (ROOT / "README.md").read_text()
    assert with_results(readme, results_text(template, content)) == readme


@pytest.mark.parametrize("name", ["README.md", "workflow/README.md", "config/README.md"])
def test_no_link_is_dead(name):
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text())
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []
