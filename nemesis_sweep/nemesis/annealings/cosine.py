"""Half a cosine, as of learning rates (Loshchilov and Hutter, ICLR 2017, equation 5)."""

import math


def cosine(epoch: int, epochs: int, end: float) -> float:
    """From 1 in the first epoch to ``end`` in the last one, level at both; above 1 it rises."""
    return end + 0.5 * (1.0 - end) * (1.0 + math.cos(math.pi * epoch / max(1, epochs - 1)))
