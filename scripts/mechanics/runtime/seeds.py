"""One seed for every random stream, so that a resumed or re-blocked run draws the same numbers."""

import numpy as np
import torch

STREAMS = {
    "evaluation": 0,
    "init": 1,
    "prompts": 2,
    "split": 3,
    "batch": 4,
    "bootstrap": 5,
    "subspace": 6,
    "tasks": 7,
}


def stream_seed(stream: str, replica: int, step: int = 0) -> int:
    """A 63-bit seed that depends on (stream, replica, step) and on nothing else.

    Raises KeyError for a stream that is not in ``STREAMS``.
    """
    sequence = np.random.SeedSequence([STREAMS[stream], replica, step])
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator(stream: str, replica: int, step: int = 0) -> torch.Generator:
    """A CPU generator for one (stream, replica, step).

    Always on the CPU: the numbers then do not depend on the device that the network runs on.
    """
    return torch.Generator().manual_seed(stream_seed(stream, replica, step))
