"""How different two colours are, and how they look to the colour-blind."""

import numpy as np

# Machado, Oliveira & Fernandes 2009, "A physiologically-based model for simulation of color vision
# deficiency", severity 1.0; they act on linear sRGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_XYZ = (  # linear sRGB, white D65 (IEC 61966-2-1)
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)


def seen(rgb: tuple[float, float, float], sight: str) -> np.ndarray:
    """CIELAB (L, a, b) of an sRGB colour in [0, 1]³ as it looks with one kind of ``SIGHT``."""
    rgb = np.asarray(rgb)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(SIGHT[sight] @ linear, 0, 1) / np.sum(TO_XYZ, axis=1)
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """CIEDE2000 of two CIELAB colours (Sharma, Wu & Dalal 2005, whose symbols these are)."""
    (L1, a1, b1), (L2, a2, b2) = one, other
    C = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(C**7 / (C**7 + 25**7))
    C1, C2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.arctan2(b, stretch * a) % (2 * np.pi) for a, b in ((a1, b1), (a2, b2)))
    turn = 0 if C1 * C2 == 0 else (h2 - h1 + np.pi) % (2 * np.pi) - np.pi
    h = h1 + h2 if C1 * C2 == 0 else h1 + turn / 2
    L, C = (L1 + L2) / 2, (C1 + C2) / 2
    waves = ((0.17, 1, 30), (-0.24, 2, 0), (-0.32, 3, -6), (0.20, 4, 63))
    T = 1 - sum(size * np.cos(n * h - np.radians(phase)) for size, n, phase in waves)
    S_L = 1 + 0.015 * (L - 50) ** 2 / np.sqrt(20 + (L - 50) ** 2)
    terms = [(L2 - L1) / S_L, (C2 - C1) / (1 + 0.045 * C)]
    terms.append(2 * np.sqrt(C1 * C2) * np.sin(turn / 2) / (1 + 0.015 * C * T))
    bend = np.exp(-(((np.degrees(h) % 360 - 275) / 25) ** 2))
    R_T = -np.sin(np.radians(60 * bend)) * 2 * np.sqrt(C**7 / (C**7 + 25**7))
    return float(np.sqrt(sum(term**2 for term in terms) + R_T * terms[1] * terms[2]))
