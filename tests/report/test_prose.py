"""Prose has no number of its own."""

import pytest

from mechanics.report.prose import names, problems


def test_numbers_formulas_and_references_are_allowed():
    text = """
    // 20 June: risk was 0.3
    Risk $r(c) = 1 - 2c$ is #c("risk"), #when("less", "risk")[less than {law}] @nanda2023.
    One of them is often as good as another.
    """
    assert problems(text, {"risk", "less", "law"}) == []
    assert names(text) == {"risk", "less", "law"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("risk is 0.35", "line 1: the number “0.35” is typed in"),
        ('\nrisk is #c("rsik")', "line 2: no number is called rsik"),
        ("risk is {rsik}", "line 1: no number is called rsik"),
        ('#when("risk", "mroe")[so]', "line 1: no number is called mroe"),
        ("the best six steps", "line 1: the number “six” is typed in"),
        ("Both networks", "line 1: the number “Both” is typed in"),
        ("risk is $0.35$", r"line 1: the formula .* has the number 0.35"),
        ("$p = 113$ tokens", r"line 1: the formula .* has the number 113"),
        ("99 % of pairs", "line 1: the number “99”"),
        ('risk #c("risk"); law', "line 1: Typst takes the semicolon"),
    ],
)
def test_anything_else_is_named(text, message):
    with pytest.raises(AssertionError, match=message):
        assert not problems(text, {"risk"}), "\n".join(problems(text, {"risk"}))
