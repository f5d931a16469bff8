"""What the report's prose may say: no number and no direction of its own.

The prose is a Typst file. Numbers stand in it as ``#c("claim")``, directions as ``#says("claim")``;
formulas may have small whole numbers. Names of networks, such as ``L=6``, come from the config. A
number in words is a number (``format: word``); "one" is too often none ("one of them"), and passes.
"""

import re

from mechanics.report.numbers import WORDS

# A call with one string, e.g. #c("linear_risk"), and references such as @nanda2023 or <figure>.
CALL = re.compile(r'#[a-z_]+\("([^"]*)"\)')
SWALLOWED = re.compile(CALL.pattern + ";")
REFERENCE = re.compile(r"@[A-Za-z][\w:-]*|<[A-Za-z][\w:-]*>")
COMMENT = re.compile(r"(?<!:)//.*")
FORMULA = re.compile(r"\$[^$]*\$")
IN_FORMULA = re.compile(r"\d+\.\d+|\.\d+|\d{2,}")
CARDINAL = re.compile(rf"\b({'|'.join(WORDS[2:])}|both|dozen)\b", re.IGNORECASE)
DIRECTIONS = (
    "above|abrupt|abruptly|always|below|better|cancel|cancels|confirm|confirms|double|exceed|exceeds"
    "|faster|fewer|greater|half|higher|larger|less|lower|more|near|nearer|never|percent|prevent"
    "|prevents|prove|proves|real|sharp|sharply|slower|smaller|smooth|smoothly|twice|worse"
)
DIRECTION = re.compile(rf"\b({DIRECTIONS})\b", re.IGNORECASE)


def problems(text: str, claims: dict[str, dict]) -> list[str]:
    """Everything in the prose that is no claim, a line each; empty if all is well."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        bare = COMMENT.sub("", line)
        for name in CALL.findall(bare):
            if name not in claims:
                found.append(f"line {number}: no claim is called {name}")
        if SWALLOWED.search(bare):
            found.append(f"line {number}: Typst takes the semicolon after a call for its end: \\;")
        bare = REFERENCE.sub("", CALL.sub("", bare))
        for formula in FORMULA.findall(bare):
            if inside := IN_FORMULA.search(formula):
                found.append(f"line {number}: the formula {formula} has the number {inside[0]}")
        bare = FORMULA.sub("", bare)
        if digit := re.search(r"\S*\d\S*", bare):
            found.append(f"line {number}: the number “{digit[0]}” is no claim")
        if word := CARDINAL.search(bare):
            found.append(f"line {number}: the number “{word[0]}” is no claim")
        if word := DIRECTION.search(bare):
            found.append(f"line {number}: “{word[0]}” states a direction that is no claim")
    return found


def used(text: str) -> set[str]:
    """Names of the claims that the prose calls."""
    return {name for line in text.splitlines() for name in CALL.findall(COMMENT.sub("", line))}
