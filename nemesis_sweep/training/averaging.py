"""Gaussian-weighted averaging of what is learnt over the epochs (PromptSRC, Khattak et al., 2023)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nemesis_sweep.spec.method import Method

AVERAGE = "average."
"""What the names of the sums begin with in :meth:`EpochAverage.state`."""


def epoch_weights(method: Method) -> Tensor | None:
    """The weights ``(epochs,)`` of what is learnt as each epoch leaves it, float64; None without an average.

    In proportion to ``exp(-(e - m)^2 / (2 s^2))`` for the epochs e = 1 to T, m ``average_mean`` and s
    ``average_std`` times T; their sum is 1.
    """
    if method.average == "none":
        return None
    places = torch.arange(1, method.epochs + 1, dtype=torch.float64) / method.epochs
    return torch.softmax(-(((places - method.average_mean) / method.average_std) ** 2) / 2, dim=0)


class EpochAverage:
    """The weighted sum of parameters over the epochs, which takes their place after the last."""

    def __init__(self, parameters: Mapping[str, Tensor], weights: Tensor) -> None:
        self._parameters, self._weights = parameters, weights.tolist()
        self._sums = {name: torch.zeros_like(own, dtype=torch.float64) for name, own in parameters.items()}

    @torch.no_grad()
    def take(self, epoch: int) -> None:
        """Add the parameters as an epoch (from 1) has left them; after the last, put the sums in their place.

        Further epochs change nothing.
        """
        if epoch > len(self._weights):
            return
        for name, parameter in self._parameters.items():
            self._sums[name] += self._weights[epoch - 1] * parameter
            if epoch == len(self._weights):
                parameter.copy_(self._sums[name])

    def state(self) -> dict[str, Tensor]:
        """The sums so far."""
        return {f"{AVERAGE}{name}": own.clone() for name, own in self._sums.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on where :meth:`state` was taken."""
        for name, own in self._sums.items():
            own.copy_(state[f"{AVERAGE}{name}"])
