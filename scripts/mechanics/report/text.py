"""Numbers as they are printed."""

import math

WORDS = ["zero", "one", "two", "three", "four", "five", "six"]
WORDS += ["seven", "eight", "nine", "ten", "eleven", "twelve"]
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def as_text(value, form: str) -> str:
    """A value in a format of Python's, or as two significant digits times a power of ten.

    Infinity is ∞, a minus a true minus.

    >>> as_text(2.03e-7, "power")
    '2.0 × 10⁻⁷'
    """
    if isinstance(value, float) and not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "undefined"
    if form == "power":
        if value == 0:
            return "0"
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPT)}".replace("-", "−")
    return format(value, form).replace("-", "−")


def short(value: float) -> str:
    """Four significant digits; whole thousands with separators; a dash for nan."""
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
