"""Annealings that are steered by what is measured while a prompt is trained, each replicate by itself."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

STATE = "annealing."
"""What the names of its tensors begin with in a training's state."""
BOUNDS = (1e-3, 1e3)
"""Of a weight, so that one that was driven far finds back."""


class Steered(ABC):
    """The weight ``(R,)`` of the penalty, 1 in the first epoch; told of norms before every epoch, and of
    validation whenever that is measured. Called as any annealing."""

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def __call__(self, epoch: int, epochs: int) -> float | Tensor:
        """The weight as it is now, whatever the epoch; 1 before it was ever steered."""
        return self._kept.get("weight", 1.0)

    @property
    def weight(self) -> Tensor:
        """The weight ``(R,)`` of the epoch that was begun last."""
        return self._kept["weight"]

    def validated(self, accuracy: Tensor) -> None:
        """Take the accuracy ``(R,)`` on the validation images; the next epoch is the first to go by it."""
        self._kept["validation"] = accuracy

    def steer(self, norm: Tensor) -> None:
        """Set the weight of the epoch that begins, by the mean norm ``(R,)`` of the vectors before it."""
        if "weight" not in self._kept:
            self._kept["weight"] = torch.ones_like(norm)
        weight = self._weight(self._kept, norm).clamp(*BOUNDS)
        # Of a replicate that has failed nothing is to be learnt.
        self._kept["weight"] = torch.where(weight.isfinite(), weight, self._kept["weight"])

    @abstractmethod
    def _weight(self, kept: dict[str, Tensor], norm: Tensor) -> Tensor:
        """The weight that follows on ``kept["weight"]``. kept: what was kept so far, to add to; the last
        validation accuracy, if there was one, is ``kept["validation"]``."""

    def state(self) -> dict[str, Tensor]:
        """What the next epoch depends on."""
        return {f"{STATE}{name}": value.clone() for name, value in self._kept.items()}

    def load_state(self, state: Mapping[str, Tensor], device: torch.device) -> None:
        """Go on where :meth:`state` was taken."""
        self._kept = {
            name.removeprefix(STATE): value.to(device, copy=True)
            for name, value in state.items()
            if name.startswith(STATE)
        }
