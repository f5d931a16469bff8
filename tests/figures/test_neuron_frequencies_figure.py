"""What the figures of the neurons and of the identities draw."""

import matplotlib.pyplot as plt
import pytest
from circuit_frames import circuit_frames

from mechanics.figures.logit_identities import OVERLAP, logit_identities
from mechanics.figures.neuron_frequencies import EXPLAINED, neuron_frequencies


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_every_neuron_with_variance_is_drawn_at_its_frequency():
    frames = circuit_frames()
    figure = neuron_frequencies(frames["neurons"], frames["circuit"])
    own = frames["neurons"].query("seed == 0 and frequency > 0")
    filled, opened, unknown, threshold = figure.axes[0].lines
    assert sorted(filled.get_xdata()) == sorted(own["frequency"])
    assert sorted(filled.get_ydata()) == pytest.approx(sorted(own["fve"]))
    assert len(opened.get_xdata()) == len(unknown.get_xdata()) == 0
    assert set(threshold.get_ydata()) == {EXPLAINED}
    counts = {text.get_text() for text in figure.axes[0].texts}
    assert counts == {str((own["frequency"] == k).sum()) for k in (4, 17)}
    share = frames["circuit"].query("seed == 0")["neurons_explained_weighted"].item()
    words = f"softmax, 1 layer, seed 0\n{share:.1%} of the writing explained"
    assert figure.axes[0].get_title() == words
    assert not figure.axes[1].texts  # no key frequencies
    assert "diverged" in figure.get_supxlabel()


def test_neurons_whose_output_is_not_known_are_crosses():
    frames = circuit_frames()
    neurons = frames["neurons"].assign(output_frequency=None)
    figure = neuron_frequencies(neurons.astype({"output_frequency": "Int64"}), frames["circuit"])
    filled, opened, unknown, _ = figure.axes[0].lines
    assert len(filled.get_xdata()) == len(opened.get_xdata()) == 0
    assert len(unknown.get_xdata()) == (neurons.query("seed == 0")["frequency"] > 0).sum()


def test_identities():
    frames = circuit_frames()
    figure = logit_identities(frames["identities"], frames["circuit"])
    explained, projections, clocks = figure.axes
    identities = frames["identities"]
    heights = sorted(bar.get_height() for bar in explained.patches)
    assert heights == pytest.approx(sorted(identities["fve"]))
    assert projections.lines[0].get_ydata().tolist() == identities["cos_r_squared"].tolist()
    assert clocks.lines[0].get_xdata().tolist() == identities["q_pizza"].tolist()
    ends = [(line.get_xdata(), line.get_ydata()) for line in clocks.lines[-2:]]
    assert [(x[0], y[0]) for x, y in ends] == [(OVERLAP, 1.0), (1.0, OVERLAP)]
    assert "seeds without key frequencies: softmax, 1 layer: 1" in figure.get_supxlabel()
    assert "diverged seeds, not drawn: softmax, 1 layer: 1" in figure.get_supxlabel()


def test_no_network_has_key_frequencies():
    frames = circuit_frames()
    circuit = frames["circuit"].query("seed == 1")
    figure = logit_identities(frames["identities"].iloc[:0], circuit)
    assert "seeds without key frequencies: softmax, 1 layer: 1" in figure.get_supxlabel()
