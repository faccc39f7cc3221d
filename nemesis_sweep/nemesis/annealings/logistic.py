"""The published annealing."""

import math

LOWEST = 700.0


def logistic(epoch: int, epochs: int, slope: float) -> float:
    """``1 - 1 / (1 + exp(-slope (e - T/2)))``: from 1 down to 0, one half in mid-training; e is 0-based.

    slope: in 1 over epochs; the published code has 0.2, whatever T is.
    """
    beyond = slope * (epoch - epochs / 2)
    # What lies lower is 1 in every number that there is, and exp of it is none.
    return 1.0 - 1.0 / (1.0 + math.exp(-max(beyond, -LOWEST)))
