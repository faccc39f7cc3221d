"""Omega(e): how the weight of the norm loss changes over the epochs."""

import math
from collections.abc import Callable

from nemesis_sweep.spec.choices import ANNEALINGS
from nemesis_sweep.spec.part import part_at

Annealing = Callable[[int, int], float]
"""Epoch, from 0, and number of epochs to the weight in that epoch."""


def annealing(name: str) -> Annealing:
    """The annealing of that name."""
    found: Annealing = part_at(ANNEALINGS[name].factory)
    return found


def logistic(epoch: int, epochs: int) -> float:
    """``1 - 1 / (1 + exp(-0.2 (e - T/2)))``: from 1 down to 0, one half in mid-training; e is 0-based."""
    return 1.0 - 1.0 / (1.0 + math.exp(-0.2 * (epoch - epochs / 2)))


def constant(epoch: int, epochs: int) -> float:
    """1 in every epoch: what the published code uses for Food101 and OxfordPets."""
    return 1.0
