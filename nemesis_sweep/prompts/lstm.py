"""LSTMs in both directions, R of them side by side, as ``torch.nn.LSTM`` computes them one by one."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from nemesis_sweep.prompts.context import uniform

GATES = 4
"""What enters, what is kept, the candidate, what leaves: in this order, as torch has them."""


class BiLSTM(nn.Module):
    """One layer; axis 1 of the weights is the direction. They start as torch's do."""

    def __init__(self, inputs: int, hidden: int, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        bound, rows = 1 / sqrt(hidden), GATES * hidden
        self.input_weight = nn.Parameter(uniform((2, rows, inputs), bound, generators))
        self.state_weight = nn.Parameter(uniform((2, rows, hidden), bound, generators))
        self.input_bias = nn.Parameter(uniform((2, rows), bound, generators))
        self.state_bias = nn.Parameter(uniform((2, rows), bound, generators))

    def forward(self, x: Tensor) -> Tensor:
        """``(R, M, inputs)`` to ``(R, M, 2 hidden)``."""
        both = torch.stack([x, x.flip(1)], dim=1)  # (R, 2, M, inputs)
        bias = (self.input_bias + self.state_bias)[:, :, None]
        given = both @ self.input_weight.mT + bias
        states: Tensor = Recurrence.apply(given, self.state_weight)
        forth, back = states.unbind(1)
        return torch.cat([forth, back.flip(1)], dim=-1)


class Recurrence(torch.autograd.Function):
    """Hidden states ``(..., M, H)`` of gates ``(..., M, 4 H)`` that lack the states' part, and of its weight
    ``(..., 4 H, H)``.

    Its own gradient, for autograd would add up a matrix as large as the weight for every position.
    """

    @staticmethod
    def forward(ctx: Any, given: Tensor, weight: Tensor) -> Tensor:
        state = cell = torch.zeros_like(given[..., :1, : weight.shape[-1]])
        states, cells = [state], [cell]
        gates: list[Tensor] = []
        for own in given.split(1, dim=-2):
            own = own + state @ weight.mT if gates else own
            enters, keeps, candidate, leaves = own.chunk(GATES, dim=-1)
            opened = enters.sigmoid(), keeps.sigmoid(), candidate.tanh(), leaves.sigmoid()
            cell = opened[1] * cell + opened[0] * opened[2]
            state = opened[3] * cell.tanh()
            states.append(state)
            cells.append(cell)
            gates.append(torch.cat(opened, dim=-1))
        before = torch.cat(states[:-1], dim=-2)
        ctx.save_for_backward(weight, before, torch.cat(cells, dim=-2), torch.cat(gates, dim=-2))
        return torch.cat(states[1:], dim=-2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        weight, before, cells, gates = ctx.saved_tensors
        (gradient,) = gradients
        of_state, of_cell = (torch.zeros_like(before[..., :1, :]) for _ in range(2))
        found = []
        for place in reversed(range(gates.shape[-2])):
            here = slice(place, place + 1)
            enters, keeps, candidate, leaves = gates[..., here, :].chunk(GATES, dim=-1)
            of_state = of_state + gradient[..., here, :]
            told = cells[..., place + 1 : place + 2, :].tanh()
            of_cell = of_cell + of_state * leaves * (1 - told.square())
            each = (
                of_cell * candidate * enters * (1 - enters),
                of_cell * cells[..., here, :] * keeps * (1 - keeps),
                of_cell * enters * (1 - candidate.square()),
                of_state * told * leaves * (1 - leaves),
            )
            found.append(torch.cat(each, dim=-1))
            of_cell = of_cell * keeps
            if place:
                of_state = found[-1] @ weight
        of_gates = torch.cat(found[::-1], dim=-2)
        return of_gates, of_gates.mT @ before
