"""The figure of the sum in the stream."""

import pandas as pd
from published import published

from mechanics.figures.sum_in_stream import sum_in_stream


def test_a_variant_of_the_same_seed_is_no_part_of_the_line():
    stream, exchange = (published()[name] for name in ("sum_in_stream", "sum_exchange"))
    varied = {"entry": "varied", "arm": "weight_decay"}
    both = [pd.concat([own, own.assign(**varied)]) for own in (stream, exchange)]
    alone, beside = sum_in_stream(stream, exchange), sum_in_stream(*both)
    for one, other in zip(alone.axes, beside.axes, strict=True):
        assert [line.get_xydata().tolist() for line in one.lines] == [
            line.get_xydata().tolist() for line in other.lines
        ]
