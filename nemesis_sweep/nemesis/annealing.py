"""Omega(e): how the weight of the norm loss changes over the epochs."""

import math
from collections.abc import Callable

Annealing = Callable[[int, int], float]


def logistic(epoch: int, epochs: int) -> float:
    """``1 - 1 / (1 + exp(-0.2 (e - T/2)))``: from 1 down to 0, one half in mid-training; e is 0-based."""
    return 1.0 - 1.0 / (1.0 + math.exp(-0.2 * (epoch - epochs / 2)))


def constant(epoch: int, epochs: int) -> float:
    """1 in every epoch: what the published code uses for Food101 and OxfordPets."""
    return 1.0


ANNEALINGS: dict[str, Annealing] = {"logistic": logistic, "constant": constant}
