"""What the figures of the embedding draw."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from circuit_frames import MODEL, circuit_frames
from matplotlib.collections import LineCollection, PathCollection

from mechanics.figures.embedding_circles import embedding_circles
from mechanics.figures.embedding_spectrum import embedding_spectrum
from mechanics.figures.embedding_svd import embedding_svd


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def texts(figure) -> set[str]:
    return {text.get_text() for axis in figure.axes for text in axis.texts}


def titles(figure) -> list[str]:
    return [axis.get_title() for axis in figure.axes if axis.get_visible() and axis.get_title()]


def test_spectrum_names_the_keys_and_says_what_it_leaves_out():
    frames = circuit_frames()
    figure = embedding_spectrum(frames["embedding"], frames["circuit"])
    assert titles(figure) == [
        "softmax, 1 layer, seed 0",
        "softmax, 1 layer, seed 1\nno keys in W_L",
    ]
    first, second = figure.axes
    assert {text.get_text() for text in first.texts} == {"4", "17"}
    assert not second.texts
    (stems,) = [c for c in first.collections if isinstance(c, LineCollection)]
    assert len(stems.get_segments()) == 29
    assert max(s[1][1] for s in stems.get_segments()) == pytest.approx(0.5)
    highest = frames["embedding"].query("kind == 'share'")["value"].max()
    assert min(axis.get_ylim()[1] for axis in figure.axes) > highest  # the axes are shared
    assert "diverged seeds, not drawn: softmax, 1 layer: 1" in figure.get_supxlabel()


def test_singular_values_and_their_number():
    frames = circuit_frames()
    figure = embedding_svd(frames["embedding"], frames["circuit"])
    assert titles(figure) == ["softmax, 1 layer\n○ 2|K| = 4, –\n△ 2|K$_E$| = 4, –"]
    assert not [line for line in figure.axes[0].lines if line.get_marker() == "^"]
    ring = next(line for line in figure.axes[0].lines if line.get_marker() == "o")
    assert ring.get_xdata().tolist() == [4]
    assert ring.get_ydata().tolist() == pytest.approx([1.0])  # four equal directions
    assert "diverged" in figure.get_supxlabel()


def test_frequencies_of_the_embedding_itself_are_marked_where_they_are_others():
    frames = circuit_frames()
    circuit = frames["circuit"].assign(key_frequencies="")
    (axis,) = embedding_svd(frames["embedding"], circuit).axes
    marks = [line.get_xdata().tolist() for line in axis.lines if line.get_marker() == "^"]
    assert marks[0] == [4]


def test_circles_are_drawn_with_their_measures():
    frames = circuit_frames()
    figure = embedding_circles(frames["embedding"], frames["circles"], MODEL)
    assert [t for t in titles(figure) if t.startswith("k =")] == ["k = 4", "k = 17"]
    points = next(c for c in figure.axes[0].collections if isinstance(c, PathCollection))
    radii = pd.DataFrame(points.get_offsets()).pow(2).sum(axis=1)
    assert len(radii) == 59
    assert radii.to_numpy() == pytest.approx(radii[0])
    assert "CV 0.000, R² 1.0000\n50 % of W$_E$" in texts(figure)
    with pytest.raises(ValueError, match="other: no seed to draw circles of"):
        embedding_circles(frames["embedding"], frames["circles"], "other")
