"""The networks of P-tuning: from learnt embeddings to context vectors, R of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor, nn

from nemesis_sweep.prompts.context import uniform
from nemesis_sweep.prompts.lstm import BiLSTM


class PromptEncoder(nn.Module):
    """Gives `context` of embeddings, ``(R, M, D)`` both: ``MLP(BiLSTM(embedding))``, or the MLP alone.

    The MLP has a ReLU between its linear layers; its last layer is scaled at the start so that the entries of
    each replicate's context have the standard deviation ``std``. Embeddings start from N(0, 1), layers as
    torch's own do.
    """

    def __init__(
        self,
        length: int,
        width: int,
        hidden: int | None,
        recurrent: bool,
        std: float,
        generators: Sequence[torch.Generator],
    ) -> None:
        """length, width: M and D. hidden: of the MLP, or of each direction of the LSTM; None for D and D / 2,
        as the public codes have it. recurrent: whether there is a BiLSTM."""
        super().__init__()
        hidden = hidden or (max(1, width // 2) if recurrent else width)
        self.embedding = nn.Parameter(
            torch.stack([torch.randn(length, width, generator=g) for g in generators])
        )
        # As PEFT has them: two linear layers behind the LSTM, three where there is none.
        sizes = [2 * hidden, 2 * hidden, width] if recurrent else [width, hidden, hidden, width]
        both = (BiLSTM(inputs, hidden, generators) for inputs in (width, 2 * hidden) if recurrent)
        self.lstm = nn.Sequential(*both)
        self.layers = nn.ModuleList(Linears(*pair, generators) for pair in pairwise(sizes))
        with torch.no_grad():
            factors = std / self()["context"].flatten(1).std(dim=1, correction=0)
            last = self.layers[-1]
            for parameter in last.parameters():
                parameter.mul_(factors.view(-1, *[1] * (parameter.ndim - 1)))

    def forward(self) -> dict[str, Tensor]:
        x: Tensor = self.lstm(self.embedding)
        for number, layer in enumerate(self.layers):
            x = layer(x.relu() if number else x)
        return {"context": x}


class Linears(nn.Module):
    """R linear layers: weight ``(R, outputs, inputs)``, bias ``(R, outputs)``."""

    def __init__(self, inputs: int, outputs: int, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        bound = 1 / sqrt(inputs)
        self.weight = nn.Parameter(uniform((outputs, inputs), bound, generators))
        self.bias = nn.Parameter(uniform((outputs,), bound, generators))

    def forward(self, x: Tensor) -> Tensor:
        """``(R, M, inputs)`` to ``(R, M, outputs)``."""
        return torch.baddbmm(self.bias[:, None], x, self.weight.mT)
