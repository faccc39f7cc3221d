"""The optimiser of a trial, from its name in the table."""

from collections.abc import Iterable

import torch
from torch import nn

from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.optimisers import OPTIMISERS
from nemesis_sweep.spec.part import part_at


def make_optimiser(method: Method, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The method's optimiser for parameters whose axis 0 is the replicate.

    Each number moves by itself, so a replicate is the same alone and among others.
    """
    entry = OPTIMISERS[method.optimiser]
    own = entry.arguments(method.model_dump())
    made: torch.optim.Optimizer = part_at(entry.factory)(
        list(parameters), lr=method.lr, weight_decay=method.weight_decay, **own
    )
    return made
