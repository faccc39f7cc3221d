"""Holds the mean norm at a target."""

from torch import Tensor

from nemesis_sweep.nemesis.annealings.steered import Steered

MOST = 2.0
"""The factor by which the weight changes in an epoch at most: with steps that are too long the penalty itself
makes norms grow."""


class HoldNorm(Steered):
    """``w(e+1) = w(e) (n(e) / (target n(0)))^gain``, at most doubled or halved, with the mean norm n of the
    vectors: it grows while norms are above a share ``target`` of the first ones, and shrinks below.

    It may swing around the target, the more the longer the steps are: norms follow a weight with delay.
    """

    def __init__(self, target: float, gain: float) -> None:
        super().__init__()
        self._target, self._gain = target, gain

    def _weight(self, kept: dict[str, Tensor], norm: Tensor) -> Tensor:
        if "first" not in kept:
            kept["first"] = norm
            return kept["weight"]
        change = (norm / (self._target * kept["first"])) ** self._gain
        return kept["weight"] * change.clamp(1 / MOST, MOST)
