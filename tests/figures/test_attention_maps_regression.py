"""The attention figure, from frames whose content is known."""

import numpy as np
import pandas as pd
import pytest

from mechanics.figures import style
from mechanics.figures.attention_maps_regression import attention_maps_regression

K, N_PROMPTS, D = 8, 4, 3
SIMILARITY = np.linspace(2.5, -2.5, K)


def head_rows(model, seed, layer, head, correlation, signed, status="finished") -> list[dict]:
    key = {"model": model, "seed": seed, "layer": layer, "head": head, "k": K, "status": status}
    untrained = {"trained": False, "correlation": 0.01, "signed_correlation": 0 * signed}
    trained = {"trained": True, "correlation": correlation, "signed_correlation": signed}
    return [key | untrained, key | trained]


def example_rows(model, layer, head, weights) -> list[dict]:
    key = {"model": model, "seed": 0, "k": K, "layer": layer, "head": head, "status": "finished"}
    return [
        key | {"prompt": prompt, "position": place, "similarity": s, "weight": w * (1 + prompt)}
        for prompt in range(N_PROMPTS)
        for place, (s, w) in enumerate(zip(SIMILARITY, weights, strict=True))
    ]


def query_key_rows(model, head, omega) -> list[dict]:
    key = {"model": model, "seed": 0, "layer": 0, "head": head, "status": "finished"}
    matrix = np.diag([omega] * D + [0])
    return [key | {"row": i, "column": j, "value": v} for (i, j), v in np.ndenumerate(matrix)]


def frames(status="finished") -> list[pd.DataFrame]:
    """A linear head that reads by its negative, two softmax heads, and a deep network's four."""
    heads = head_rows("linear_L1", 0, 0, 0, -0.9, 0.9)
    heads += head_rows("linear_L1", 1, 0, 0, 0.7, 0.7, status)
    examples = example_rows("linear_L1", 0, 0, -SIMILARITY)
    query_key = query_key_rows("linear_L1", 0, -1.5)
    for head, sign in enumerate((1, -1)):
        heads += head_rows("softmax_L1_2heads", 0, 0, head, sign * 0.8, 0.8)
        examples += example_rows("softmax_L1_2heads", 0, head, np.exp(sign * SIMILARITY) / 99)
        query_key += query_key_rows("softmax_L1_2heads", head, sign)
    deep = {(0, 0): 0.2, (0, 1): 0.3, (1, 0): -0.6, (1, 1): 0.5}
    for (layer, head), correlation in deep.items():
        heads += head_rows("deep_L6", 0, layer, head, correlation, np.nan)
        examples += example_rows("deep_L6", layer, head, np.exp(layer * SIMILARITY) / 99)
    return [pd.DataFrame(rows) for rows in (heads, examples, query_key)]


def rows_of(figure) -> list[list]:
    """Panels in rows of three, colour bars left out."""
    panels = [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]
    return [panels[i : i + 3] for i in range(0, len(panels), 3)]


@pytest.fixture(scope="module")
def rows():
    """Drawn once: it has twelve panels."""
    style.use_style()
    return rows_of(attention_maps_regression(*frames()))


def test_one_layer_networks_have_a_row_per_head_and_deep_ones_their_best(rows):
    titles = [row[0].get_title(loc="left") for row in rows]
    assert titles == [
        "linear, 1 layer, adds $-y_i$",
        "softmax, 2 heads: head 1, adds $+y_i$",
        "softmax, 2 heads: head 2, adds $-y_i$",
        "deep, 6 layers: layer 2, head 1",
    ]


def test_maps_show_the_values_of_the_frames(rows):
    query_key, examples = (axis.images[0].get_array() for axis in rows[0][:2])
    assert np.array_equal(query_key, np.diag([-1.5] * D + [0]))
    assert np.array_equal(examples, -SIMILARITY * np.arange(1, N_PROMPTS + 1)[:, None])
    assert np.array_equal(rows[3][0].images[0].get_array(), [[0.2, 0.3], [-0.6, 0.5]])


def test_signed_maps_are_centred_and_probabilities_start_at_zero(rows):
    for axis in (rows[0][0], rows[0][1], rows[3][0]):
        low, high = axis.images[0].get_clim()
        assert low == -high
    assert rows[1][1].images[0].get_clim()[0] == 0


def test_bins_hold_the_mean_attention(rows):
    _, line = rows[0][2].lines
    assert line.get_xdata() == pytest.approx(sorted(SIMILARITY))
    assert line.get_ydata() == pytest.approx(-np.sort(SIMILARITY) * 2.5)  # the prompts' mean factor


def test_correlations_are_of_the_seed_and_over_seeds(rows):
    words = rows[0][2].texts[0].get_text()
    assert "= −0.900, seed 0" in words
    assert "= 0.800 ± 1.271, 2 seeds" in words  # t = 12.706 on 1 degree of freedom, times 0.1
    assert "= 0.000, untrained" in words
    assert "= 0.600, 1 seed" in rows[3][2].texts[0].get_text()


def test_a_diverged_seed_is_said_and_not_averaged():
    figure = attention_maps_regression(*frames(status="diverged"))
    assert "= 0.900, 1 seed" in rows_of(figure)[0][2].texts[0].get_text()
    assert figure.get_supxlabel() == "diverged seeds, not drawn: linear, 1 layer: 1"


def test_examples_of_further_seeds_are_left_out():
    """Replicas trained apart are measured apart, and each run brings its own examples."""
    attention, examples, query_key = frames()
    twice = [pd.concat([f, f.assign(seed=1)]) for f in (examples, query_key)]
    rows = rows_of(attention_maps_regression(attention, *twice))
    assert rows[0][1].images[0].get_array().shape == (N_PROMPTS, K)
    assert len(rows[0][2].lines[0].get_xdata()) == N_PROMPTS * K


def test_no_network_to_draw_is_an_error():
    with pytest.raises(style.NothingToDraw, match="no finished seed"):
        attention_maps_regression(*(frame.assign(status="diverged") for frame in frames()))
