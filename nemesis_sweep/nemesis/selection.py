"""PAN's choice of positions: which of the drawn positions get a penalty in this step."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nemesis_sweep.spec.choices import SELECTIONS
from nemesis_sweep.spec.part import part_at


def draw_positions(n_ctx: int, n_positions: int, generators: Sequence[torch.Generator]) -> Tensor:
    """``(R, N)`` distinct positions, drawn without replacement from each replicate's own generator."""
    return torch.stack([torch.randperm(n_ctx, generator=g)[:n_positions] for g in generators])


def by_accuracy(correct: Tensor, corrupted_correct: Tensor) -> Tensor:
    """Selected where corruption helps: ``(R,), (R, N) -> (R, N)`` bool.

    A position is selected iff the corrupted prompts classify strictly more of the batch correctly.
    """
    return corrupted_correct > correct[:, None]


def at_random(correct: Tensor, corrupted_correct: Tensor) -> Tensor:
    """The paper's control: every drawn position is selected, whatever the corruption did."""
    return torch.ones_like(corrupted_correct, dtype=torch.bool)


def selection(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The selection of that name, from what the batch ``(R,)`` and its variants ``(R, N)`` have right."""
    found: Callable[[Tensor, Tensor], Tensor] = part_at(SELECTIONS[name].factory)
    return found


def position_mask(positions: Tensor, selected: Tensor, n_ctx: int) -> Tensor:
    """``(R, N)`` positions and their verdicts as one mask over all positions, ``(R, M)`` bool."""
    mask = torch.zeros(positions.shape[0], n_ctx, dtype=torch.bool, device=selected.device)
    return mask.scatter(1, positions, selected)
