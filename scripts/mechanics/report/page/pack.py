"""Numbers made small enough to lie in a page, by rules that say what is lost."""

import base64
import json
import math
import zlib
from collections.abc import Iterable, Mapping

import numpy as np


def rounded(values: Iterable[float], digits: int = 4) -> list[float | None]:
    """Numbers with so many significant digits; None for what is not finite."""
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in map(float, values)]


def as_text(array: np.ndarray) -> str:
    """The bytes of an array, deflated, as base64."""
    return base64.b64encode(zlib.compress(array.tobytes(), 9)).decode()


def pack_network(tensors: Mapping[str, tuple[np.ndarray, float | None]]) -> dict:
    """A network as arrays.js unpacks it: names, shapes and scales, and all bytes in one text.

    A tensor is whole numbers (int8) with their scale, or float32, to the bit, with None: its bytes
    of equal weight side by side, which is a tenth smaller.
    """
    parts = [
        values.astype("i1") if scale is not None else np.ascontiguousarray(_by_weight(values))
        for values, scale in tensors.values()
    ]
    listed = [[name, list(values.shape), scale] for name, (values, scale) in tensors.items()]
    return {
        "tensors": listed,
        "data": as_text(np.concatenate([p.ravel().view("u1") for p in parts])),
    }


def _by_weight(values: np.ndarray) -> np.ndarray:
    return values.astype("<f4").ravel().view("u1").reshape(-1, 4).T


def shares_as_text(shares: np.ndarray) -> str:
    """Numbers in [0, 1], 16 bits each, in steps of 1/65,535; nan becomes 0."""
    return as_text(np.rint(np.nan_to_num(shares) * 65535).astype("<u2"))


def planes_as_text(coordinates: np.ndarray) -> tuple[str, list[float]]:
    """Coordinates [step, …], 8 bits each, and each step's unit.

    A unit is the largest coordinate of its step over 127, so that a point is off by less than half
    a hundredth of that.
    """
    largest = np.abs(coordinates).reshape(len(coordinates), -1).max(axis=1)
    units = np.array(rounded(largest / 127, 6), dtype=float)
    scale = np.where(units > 0, units, 1.0).reshape(-1, *[1] * (coordinates.ndim - 1))
    whole = np.clip(np.rint(coordinates / scale), -127, 127).astype("i1")
    return as_text(whole), units.tolist()


def as_json(content: object) -> str:
    """JSON that may stand in a script element. Raises ValueError for nan and infinities."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
