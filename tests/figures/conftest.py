"""Every figure of these tests has the style of the study, and is closed."""

import matplotlib.pyplot as plt
import pytest

from mechanics.figures import style


@pytest.fixture(autouse=True)
def own_style():
    style.use_style()
    yield
    plt.close("all")
