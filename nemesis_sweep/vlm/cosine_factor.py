"""The factor on cosines, of the number that weights store. Needs no torch."""

from __future__ import annotations

import math

from nemesis_sweep.messages.errors import Problem, UserError


def of_logarithm(stored: float) -> float:
    """Of what most weights store; infinite where that is too large for a number."""
    try:
        return math.exp(stored)
    except OverflowError:
        return math.inf


def of_temperature(stored: float) -> float:
    """Of what cosines are divided by; infinite for 0."""
    return 1 / stored if stored else math.inf


def usable_factor(found: float, where: str) -> float:
    """The factor. where: of which model. Raises UserError for one that gives no logits."""
    if not 0 < found < math.inf:
        message, allowed = "the weights have no factor on cosines that can be used", "a number above 0"
        raise UserError(Problem(message, file=where, found=f"{found:g}", allowed=allowed))
    return found
