"""Numbers made small enough to lie in a page, by rules that say what is lost."""

import base64
import json
import math
from collections.abc import Iterable

import numpy as np


def thin(n: int, at_most: int) -> list[int]:
    """Indices of at most ``at_most`` of n things, evenly spread, first and last among them.

    >>> thin(9, 3)
    [0, 4, 8]
    """
    return sorted({round(index) for index in np.linspace(0, n - 1, min(n, at_most)).tolist()})


def rounded(values: Iterable[float], digits: int = 4) -> list[float | None]:
    """Numbers with so many significant digits; None for what is not finite."""
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in map(float, values)]


def shares_as_text(shares: np.ndarray) -> str:
    """Numbers in [0, 1] as base64 of 16 bits each, in steps of 1/65,535; nan becomes 0."""
    whole = np.rint(np.nan_to_num(shares) * 65535).astype("<u2")
    return base64.b64encode(whole.tobytes()).decode()


def planes_as_text(coordinates: np.ndarray) -> tuple[str, list[float]]:
    """Coordinates [step, …] as base64 of 8 bits each, and each step's unit.

    A unit is the largest coordinate of its step over 127, so that a point is off by less than half
    a hundredth of that.
    """
    largest = np.abs(coordinates).reshape(len(coordinates), -1).max(axis=1)
    units = np.array(rounded(largest / 127, 6), dtype=float)
    scale = np.where(units > 0, units, 1.0).reshape(-1, *[1] * (coordinates.ndim - 1))
    whole = np.clip(np.rint(coordinates / scale), -127, 127).astype("i1")
    return base64.b64encode(whole.tobytes()).decode(), units.tolist()


def as_json(content: object) -> str:
    """JSON that may stand in a script element. Raises ValueError for nan and infinities."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
