"""The maps show what varies, and say what it follows."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mechanics.figures import style
from mechanics.figures.attention_maps_addition import attention_maps_addition

P = 5


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two heads: one that follows a, one that is constant."""
    a, b = np.divmod(np.arange(P * P), P)
    weights = (0.5 + 0.1 * np.cos(2 * np.pi * a / P), np.full(P * P, 0.3))
    maps = pd.concat(
        pd.DataFrame({"head": head, "a": a, "b": b, "weight": weight})
        for head, weight in enumerate(weights)
    )
    common = {"model": "softmax_L1", "seed": 0, "status": "finished", "layer": 0}
    heads = pd.DataFrame(
        {"head": head, "position": position, "mean": values.mean(), "std": values.std()}
        | {"frequency": 1 - head, "fve": (0.9, np.nan)[head]}
        for head, weight in enumerate(weights)
        for position, values in (("a", weight), ("b", 1 - weight), ("=", 0 * weight))
    )
    return heads.assign(**common), maps.assign(**common)


def test_heads_are_named_with_what_they_follow():
    style.use_style()
    figure = attention_maps_addition(*frames())
    titles = [axis.get_title() for axis in figure.axes[:2]]
    plt.close(figure)
    assert titles[0].endswith("k = 1 explains 90%")
    assert titles[1].endswith("constant")


def test_shares_have_one_scale_and_are_not_stretched():
    heads, maps = frames()
    figure = attention_maps_addition(heads, maps)
    varying, constant = (axis.images[0] for axis in figure.axes[:2])
    plt.close(figure)
    assert varying.get_clim() == constant.get_clim() == (0, 1)
    own = maps.loc[maps["head"] == 0, "weight"].to_numpy()
    np.testing.assert_allclose(varying.get_array().ravel(), own)


def test_weights_that_are_no_shares_are_relative_to_the_largest_of_their_head():
    heads, maps = frames()
    maps["weight"] *= -50
    heads["mean"] *= -50
    figure = attention_maps_addition(heads, maps)
    varying, constant = (axis.images[0] for axis in figure.axes[:2])
    plt.close(figure)
    assert varying.get_clim() == (-1, 1)
    np.testing.assert_allclose(constant.get_array(), -1)
    assert varying.get_array().min() == -1


def test_of_several_layers_the_first_is_drawn_and_named():
    heads, maps = frames()
    figure = attention_maps_addition(pd.concat([heads, heads.assign(layer=1)]), maps)
    assert "the first" in figure.axes[0].get_ylabel()
    plt.close(figure)


def test_of_several_seeds_the_first_is_drawn():
    heads, maps = frames()
    both = [pd.concat([frame, frame.assign(seed=7)]) for frame in (heads, maps)]
    figure = attention_maps_addition(*both)
    assert len([axis for axis in figure.axes if axis.images]) == 2  # heads of one seed
    plt.close(figure)
