"""What a prompt has right when one of its vectors is corrupted, as arrays, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Corrupted:
    """What a prompt of R replicates and P of its vectors has right when one vector is corrupted.

    positions: of the P vectors, from 1. before: ``(R, n)`` bool, of the prompt as it was learnt. right:
    ``(R, P, S, n)`` bool, corrupted with each of the S strengths. norms: 2-norms ``(R, P)`` as learnt, after:
    ``(R, P, S)`` of the corrupted vector.
    """

    operation: str
    strengths: tuple[float, ...]
    positions: tuple[int, ...]
    seeds: tuple[int, ...]
    before: np.ndarray
    right: np.ndarray
    norms: np.ndarray
    after: np.ndarray

    @cached_property
    def won(self) -> np.ndarray:
        """Images that only the corrupted prompt has right, ``(R, P, S)``."""
        found: np.ndarray = (self.right & ~self.before[:, None, None]).sum(axis=-1)
        return found

    @cached_property
    def lost(self) -> np.ndarray:
        """Images that only the prompt as it was learnt has right, ``(R, P, S)``."""
        found: np.ndarray = (~self.right & self.before[:, None, None]).sum(axis=-1)
        return found

    @property
    def accuracy(self) -> np.ndarray:
        """In percent, ``(R, P, S)``."""
        found: np.ndarray = 100 * self.right.mean(axis=-1)
        return found

    @property
    def change(self) -> np.ndarray:
        """Points of accuracy against the prompt as it was learnt, ``(R, P, S)``."""
        found: np.ndarray = 100 * (self.won - self.lost) / self.before.shape[-1]
        return found

    @property
    def lowered(self) -> np.ndarray:
        """Where the norm fell, ``(R, P, S)``."""
        found: np.ndarray = self.after < self.norms[:, :, None]
        return found

    @property
    def low_norm(self) -> np.ndarray:
        """Where the Low-Norm Effect is: the norm fell and the accuracy rose."""
        found: np.ndarray = self.lowered & (self.won > self.lost)
        return found


def shares(effect: np.ndarray, lowered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often an effect ``(..., P, S)`` is there, in percent of what lowered a norm.

    Of the pairs of position and strength, and of the positions, at one strength or more; NaN where nothing
    lowered a norm.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = 100 * effect.sum(axis=(-2, -1)) / lowered.sum(axis=(-2, -1))
        positions = 100 * effect.any(axis=-1).sum(axis=-1) / lowered.any(axis=-1).sum(axis=-1)
    return pairs, positions
