"""The learning rate of every epoch, as CoOp's public code has it."""

import math

WARM_UP_LR = 1e-5


def learning_rate(epoch: int, epochs: int, lr: float) -> float:
    """``lr(0) = 1e-5``, then ``lr(e) = lr/2 (1 + cos(pi (e - 1) / T))``; e is 0-based, T = ``epochs``."""
    if epoch == 0:
        return min(WARM_UP_LR, lr)
    return lr / 2 * (1 + math.cos(math.pi * (epoch - 1) / epochs))
