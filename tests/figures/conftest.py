"""Figures are drawn in the style of the study, and closed."""

import matplotlib.pyplot as plt
import pytest

from mechanics.figures import style


@pytest.fixture(autouse=True)
def own_style():
    style.use_style()
    yield
    plt.close("all")
