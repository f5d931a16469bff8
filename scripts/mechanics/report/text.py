"""Numbers as they are printed."""

import math

WORDS = ["zero", "one", "two", "three", "four", "five", "six"]
WORDS += ["seven", "eight", "nine", "ten", "eleven", "twelve"]
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def as_text(value, form: str) -> str:
    """A value in a format of Python's, or in one of our own.

    ``power``: two significant digits times a power of ten. ``list``: the members of a list.
    ``word``, ``Word``: a whole number up to twelve in words, larger ones in digits. Without a
    format, as it is. Infinity is ∞, a minus a true minus.

    >>> as_text(2.03e-7, "power")
    '2.0 × 10⁻⁷'
    >>> as_text([10, 20, 50], "list")
    '10, 20, 50'
    >>> as_text(6, "Word")
    'Six'
    """
    if form == "list":
        return ", ".join(str(member) for member in value)
    if form in ("word", "Word"):
        text = WORDS[value] if value < len(WORDS) else str(value)
        return text.capitalize() if form == "Word" else text
    if isinstance(value, float) and not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "undefined"
    if form == "power":
        if value == 0:
            return "0"
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPT)}".replace("-", "−")
    return format(value, form).replace("-", "−")


def spans(values: list, holds: list[bool]) -> str:
    """The values at which something holds; those that follow each other as a span.

    >>> spans([5, 10, 15, 20, 25], [True, False, True, True, True])
    '5, 15 to 25'
    """
    runs: list[list] = []
    before = False
    for value, now in zip(values, holds, strict=True):
        if now and before:
            runs[-1].append(value)
        elif now:
            runs.append([value])
        before = now
    words = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return ", ".join(words) or "none"
