"""The annealing of a name: one of the package, or a function of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from nemesis_sweep.spec.choices import ANNEALINGS
from nemesis_sweep.spec.outside.reference import load, outside, refused
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.values import Values

if TYPE_CHECKING:
    from torch import Tensor

Annealing = Callable[[int, int], "float | Tensor"]
"""Epoch, from 0, and number of epochs to the weight in that epoch; of those that are steered ``(R,)``."""
EPOCHS = 50
"""With so many epochs an annealing from outside is tried, before any trial."""
FIELDS = "anneal_"
"""What the names of the annealings' own fields begin with."""


def annealing(method: Values) -> Annealing:
    """The annealing of a method, from its fields `anneal` and those of that annealing.

    Raises ``UserError`` for a name that is none, and for what is no function of an epoch and of all epochs.
    """
    name = method["anneal"]
    if name not in ANNEALINGS:
        return annealing_from_outside(name)
    own = {each.removeprefix(FIELDS): method[each] for each in ANNEALINGS[name].names}
    factory = part_at(ANNEALINGS[name].factory)
    made: Annealing = factory(**own) if ANNEALINGS[name].steered else partial(factory, **own)
    return made


def refuse_no_annealing(name: str) -> None:
    """Raise ``UserError`` for a name that is no annealing."""
    if name not in ANNEALINGS:
        annealing_from_outside(name)


def annealing_from_outside(name: str) -> Annealing:
    """The function at `module:name`, tried in every epoch. Raises ``UserError`` for what is none."""
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
