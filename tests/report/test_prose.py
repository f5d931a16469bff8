"""Prose has no number and no direction of its own."""

import pytest

from mechanics.report.prose import problems, used

CLAIMS = {"risk": {}, "less": {}}


def test_claims_formulas_and_references_are_allowed():
    text = """
    // 20 June: risk was lower
    Risk $r(c) = 1 - 2c$ is #c("risk"), #says("less") the law @nanda2023.
    One of them is often as good as another.
    """
    assert problems(text, CLAIMS) == []
    assert used(text) == {"risk", "less"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("risk is 0.35", "line 1: the number “0.35” is no claim"),
        ('\nrisk is #c("rsik")', "line 2: no claim is called rsik"),
        ("the best six steps", "line 1: the number “six” is no claim"),
        ("Both networks", "line 1: the number “Both” is no claim"),
        ("it cancels the rest", "line 1: “cancels” states a direction"),
        ("risk is lower", "line 1: “lower” states a direction"),
        ("risk is $0.35$", r"line 1: the formula .* has the number 0.35"),
        ("$p = 113$ tokens", r"line 1: the formula .* has the number 113"),
        ("99 % of pairs", "line 1: the number “99”"),
        ('risk #c("risk"); law', "line 1: Typst takes the semicolon"),
    ],
)
def test_anything_else_is_named(text, message):
    with pytest.raises(AssertionError, match=message):
        assert not problems(text, CLAIMS), "\n".join(problems(text, CLAIMS))
