"""Omega(e): how the weight of the norm loss changes over the epochs."""

import math
from collections.abc import Callable

from nemesis_sweep.spec.choices import ANNEALINGS
from nemesis_sweep.spec.outside.reference import load, outside, refused
from nemesis_sweep.spec.part import part_at

Annealing = Callable[[int, int], float]
"""Epoch, from 0, and number of epochs to the weight in that epoch."""
EPOCHS = 50
"""With so many epochs an annealing from outside is tried, before any trial."""


def annealing(name: str) -> Annealing:
    """The annealing of a name, or the function at `module:name`.

    Raises ``UserError`` for a name that is none, and for what is no function of an epoch and of all epochs.
    """
    if name in ANNEALINGS:
        own: Annealing = part_at(ANNEALINGS[name].factory)
        return own
    place = outside(name, "annealings")
    found: Annealing = load(place)
    wanted = "a function of the epoch, from 0, and the number of epochs, that gives a number"
    for epoch in range(EPOCHS):
        try:
            weight = found(epoch, EPOCHS)
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            message = f"cannot be computed for epoch {epoch} of {EPOCHS}: {reason}"
            raise refused(place, message, found, wanted) from error
        if not isinstance(weight, int | float) or not math.isfinite(weight):
            raise refused(place, "gives what is no number", weight, wanted)
    return found


def logistic(epoch: int, epochs: int) -> float:
    """``1 - 1 / (1 + exp(-0.2 (e - T/2)))``: from 1 down to 0, one half in mid-training; e is 0-based."""
    return 1.0 - 1.0 / (1.0 + math.exp(-0.2 * (epoch - epochs / 2)))


def constant(epoch: int, epochs: int) -> float:
    """1 in every epoch: what the published code uses for Food101 and OxfordPets."""
    return 1.0
