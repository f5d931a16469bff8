"""Numbers as they are printed."""

import pytest

from mechanics.report.text import as_text, spans


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (2.03e-7, "power", "2.0 × 10⁻⁷"),
        ([10, 20], "list", "10, 20"),
        (6, "word", "six"),
        (12, "Word", "Twelve"),
        (13, "word", "13"),
        (-0.5, ".1f", "−0.5"),
    ],
)
def test_formats(value, form, text):
    assert as_text(value, form) == text


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        ([True, True, True], "5 to 15"),
        ([True, False, True], "5, 15"),
        ([False, True, True], "10 to 15"),
        ([False, False, False], "none"),
    ],
)
def test_neighbours_are_a_span(holds, words):
    assert spans([5, 10, 15], holds) == words
