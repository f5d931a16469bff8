"""What prose may say: no number of its own.

Numbers stand in the report as ``#c("name")``, in the README as ``{name}``; ``#when("name")[…]``
says what is only said where a number is there or a direction holds. Formulas may have small whole
numbers. A number in words is a number, but "one" is too often none ("one of them"), and passes.
"""

import re

from mechanics.report.text import WORDS

# A call with strings, e.g. #c("linear_risk"), and references such as @nanda2023 or <figure>.
CALL = re.compile(r'#[a-z_]+\(("[^"]*"(?:, "[^"]*")*)\)|{(\w+)}')
REFERENCE = re.compile(r"@[A-Za-z][\w:-]*|<[A-Za-z][\w:-]*>|]\([^)]*\)|`[^`]*`")
COMMENT = re.compile(r"(?<!:)//.*")
FORMULA = re.compile(r"\$[^$]*\$")
IN_FORMULA = re.compile(r"\d+\.\d+|\.\d+|\d{2,}")
NUMBER = re.compile(rf"\S*\d\S*|\b(?:{'|'.join(WORDS[2:])}|both|dozen)\b", re.IGNORECASE)


def problems(text: str, known: set[str]) -> list[str]:
    """Every typed-in number and every unknown name in the prose, a line each; empty if none.

    ``known``: the names of numbers and directions.
    """
    found = []
    for line, own in enumerate(text.splitlines(), start=1):
        bare = COMMENT.sub("", own)
        found += [f"line {line}: no number is called {name}" for name in names(own) - known]
        if re.search(r'#[a-z_]+\("[^"]*"\);', bare):
            found.append(f"line {line}: Typst takes the semicolon after a call for its end: \\;")
        bare = REFERENCE.sub("", CALL.sub("", bare))
        for formula in FORMULA.findall(bare):
            if inside := IN_FORMULA.search(formula):
                found.append(f"line {line}: the formula {formula} has the number {inside[0]}")
        for number in NUMBER.findall(FORMULA.sub("", bare)):
            found.append(f"line {line}: the number “{number}” is typed in")
    return found


def names(text: str) -> set[str]:
    """Names of the numbers and directions that the prose calls."""
    found = set()
    for line in text.splitlines():
        for strings, field in CALL.findall(COMMENT.sub("", line)):
            found |= {field} if field else set(re.findall(r'"([^"]*)"', strings))
    return found
