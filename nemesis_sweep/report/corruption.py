"""What corrupting single vectors did, cell by cell, and how often the Low-Norm Effect was there.

The effect is there at a position and a strength where the norm fell and the accuracy rose (Fu et al.,
"Nemesis", ICLR 2024). One image more is enough for that, so every cell has a test beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from nemesis_sweep.report.statistics import Score, score
from nemesis_sweep.report.statistics.mcnemar import mcnemar

if TYPE_CHECKING:
    from nemesis_sweep.training.corruption import Corrupted

RATE = 0.05
"""Of false findings among the cells that are told to be beyond chance."""


@dataclass(frozen=True)
class Cells:
    """Numbers of every cell of a grid, ``(R, P, S)``.

    change: percent points of accuracy against the prompt as it was learnt. won, lost: images that only the
    corrupted, only the learnt prompt has right. q: McNemar's exact p, corrected by Benjamini and Hochberg
    (1995) for all cells. lowered: whether the norm fell.
    """

    grid: Corrupted
    accuracy: np.ndarray
    change: np.ndarray
    won: np.ndarray
    lost: np.ndarray
    q: np.ndarray
    lowered: np.ndarray

    @property
    def low_norm(self) -> np.ndarray:
        """Where the norm fell and the accuracy rose."""
        return self.lowered & (self.won > self.lost)

    @property
    def beyond_chance(self) -> np.ndarray:
        """Where accuracy changed, at a rate of false findings of 5 %."""
        return self.q <= RATE


@dataclass(frozen=True)
class Frequency:
    """How often the effect is there, percent over the replicates, of what lowered a norm.

    pairs: of pairs of position and strength. positions: of positions, at one strength or more. sure: pairs
    where the gain is beyond chance.
    """

    pairs: Score
    positions: Score
    sure: Score


def cells_of(grid: Corrupted) -> Cells:
    """The numbers of a grid."""
    before, right = grid.before.cpu().numpy()[:, None, None], grid.right.cpu().numpy()
    won, lost = (right & ~before).sum(axis=-1), (~right & before).sum(axis=-1)
    count = right.shape[-1]
    after, norms = grid.after.cpu().numpy(), grid.norms.cpu().numpy()[:, :, None]
    return Cells(
        grid,
        accuracy=100 * right.sum(axis=-1) / count,
        change=100 * (won - lost) / count,
        won=won,
        lost=lost,
        q=_false_discovery(won, lost),
        lowered=after < norms,
    )


def frequency(cells: Cells) -> Frequency | None:
    """How often the Low-Norm Effect is there; None where no cell lowers a norm."""
    low, lowered = cells.low_norm, cells.lowered
    if not lowered.any(axis=(1, 2)).all():
        return None
    sure = low & cells.beyond_chance
    pairs, certain = (each.sum(axis=(1, 2)) / lowered.sum(axis=(1, 2)) for each in (low, sure))
    positions = low.any(axis=2).sum(axis=1) / lowered.any(axis=2).sum(axis=1)
    return Frequency(*(score((100 * each).tolist()) for each in (pairs, positions, certain)))


def _false_discovery(won: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """McNemar's p of every cell, corrected for all of them."""
    from scipy.stats import false_discovery_control

    test = cache(mcnemar)  # Most cells have the counts of others.
    ps = [test(int(one), int(other)) for one, other in zip(won.flat, lost.flat, strict=True)]
    return np.asarray(false_discovery_control(ps)).reshape(won.shape)


def corruption_table(found: Sequence[Cells], split: str) -> pa.Table:
    """A row for every seed, position (from 1), operation and strength."""
    rows = []
    for cells in found:
        grid = cells.grid
        norms, after = grid.norms.tolist(), grid.after.tolist()
        for replicate, position, strength in np.ndindex(cells.change.shape):
            place = replicate, position, strength
            rows.append(
                {
                    "split": split,
                    "operation": grid.operation,
                    "strength": grid.strengths[strength],
                    "position": position + 1,
                    "seed": grid.seeds[replicate],
                    "norm": norms[replicate][position],
                    "norm_after": after[replicate][position][strength],
                    "accuracy": float(cells.accuracy[place]),
                    "change": float(cells.change[place]),
                    "won": int(cells.won[place]),
                    "lost": int(cells.lost[place]),
                    "q": float(cells.q[place]),
                    "low_norm": bool(cells.low_norm[place]),
                }
            )
    return pa.Table.from_pylist(rows)
