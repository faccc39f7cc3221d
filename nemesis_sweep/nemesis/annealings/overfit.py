"""More penalty when a prompt begins to overfit."""

import torch
from torch import Tensor

from nemesis_sweep.nemesis.annealings.steered import Steered


class Overfit(Steered):
    """The weight times ``factor`` whenever validation accuracy has fallen and the mean norm has grown since
    the validation before."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self._factor = factor

    def _weight(self, kept: dict[str, Tensor], norm: Tensor) -> Tensor:
        accuracy = kept.pop("validation", None)
        if accuracy is None:
            return kept["weight"]
        weight = kept["weight"]
        if "accuracy" in kept:
            worse = (accuracy < kept["accuracy"]) & (norm > kept["norm"])
            weight = torch.where(worse, self._factor * weight, weight)
        kept["accuracy"], kept["norm"] = accuracy, norm
        return weight
