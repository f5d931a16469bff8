"""Numbers as they are printed."""

import pytest

from mechanics.report.numbers import as_text


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
