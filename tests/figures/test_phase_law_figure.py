"""The figure of the phase law, from frames whose content is known."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from mechanics.figures.phase_law import phase_law
from mechanics.figures.style import NothingToDraw

ABOUT = {"model": "softmax_L1", "seed": 0, "status": "grokked"}
LAW = ABOUT | {"cosine": 0.99, "cosine_shuffled": 0.3, "n_effective": 40.0}
LAW |= {"quadrature_error": 0.02, "recovery": 0.4, "recovery_predicted": 0.5}
NEURON = ABOUT | {"frequency": 3, "input_phase": 1.0, "output_phase": 1.1, "share_of_key": 0.5}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_every_key_is_a_mark_beside_its_null():
    law = pd.DataFrame([LAW, LAW | {"recovery": 0.6, "n_effective": 80.0}])
    figure = phase_law(law, pd.DataFrame([NEURON] * 4))
    of_neurons, cosines, errors, recoveries = figure.axes
    assert [len(c.get_offsets()) for c in of_neurons.collections] == [4, 4]  # shuffled, and not
    assert [line.get_ydata().tolist() for line in cosines.lines] == [[0.99] * 2, [0.3] * 2]
    marks = [line for axis in (errors, recoveries) for line in axis.lines if len(line.get_xdata())]
    assert {tuple(m.get_ydata()) for m in marks} >= {(0.02, 0.02), (0.4, 0.6)}


def test_networks_without_keys_have_nothing_to_draw():
    law = pd.DataFrame([LAW | {"cosine": float("nan")}])
    with pytest.raises(NothingToDraw, match="key frequencies"):
        phase_law(law, pd.DataFrame([NEURON]))
