"""Prose has no number of its own."""

from mechanics.report.prose import names, problems


def test_numbers_formulas_and_references_are_allowed():
    text = """
    // 20 June: risk was 0.3
    Risk $r(c) = 1 - 2c$ is #c("risk"), #when("less", "risk")[less than {law}] @nanda2023.
    One of them is often as good as another.
    """
    assert problems(text, {"risk", "less", "law"}) == []
    assert names(text) == {"risk", "less", "law"}


def test_anything_else_is_named_with_its_line():
    wrong = {
        "risk is 0.35": "the number “0.35” is typed in",
        'risk is #c("rsik")': "no number is called rsik",
        "risk is {rsik}": "no number is called rsik",
        '#when("risk", "mroe")[so]': "no number is called mroe",
        "the best six steps": "the number “six” is typed in",
        "Both networks": "the number “Both” is typed in",
        "risk is $0.35$": "the formula $0.35$ has the number 0.35",
        "$p = 113$ tokens": "the formula $p = 113$ has the number 113",
        "99 % of pairs": "the number “99” is typed in",
        'risk #c("risk"); law': "Typst takes the semicolon after a call for its end: \\;",
    }
    expected = [f"line {n}: {message}" for n, message in enumerate(wrong.values(), start=1)]
    assert problems("\n".join(wrong), {"risk"}) == expected
