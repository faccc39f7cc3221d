"""Gradients through a half-precision tower: brought to one size on the way in, and back on the way out."""

from collections.abc import Callable

import torch
from torch import Tensor


def scaled_gradients(function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    """``function(values)``, with gradients that neither vanish nor overflow inside it.

    ``function`` takes replicates to replicates (axis 0) and works in fp16, whose smallest number is 6e-8: the
    gradient of a well-trained prompt would be rounded to nothing. Each replicate's gradient is divided by its
    largest entry before it enters the function's backward pass and multiplied again when it leaves: what loss
    scaling does, without a factor to choose, and without one replicate changing another.
    """
    factors: list[Tensor] = []

    def enter(gradient: Tensor) -> Tensor:
        largest = gradient.detach().flatten(1).abs().amax(dim=1)
        factors[:] = [torch.where(largest == 0, 1.0, largest)]
        return gradient / _like(factors[0], gradient)

    def leave(gradient: Tensor) -> Tensor:
        return gradient * _like(factors[0], gradient)

    inside = values.view_as(values)
    result = function(inside)
    if result.requires_grad:
        result.register_hook(enter)
        inside.register_hook(leave)
    return result


def _like(factors: Tensor, gradient: Tensor) -> Tensor:
    return factors.view(-1, *[1] * (gradient.ndim - 1))
