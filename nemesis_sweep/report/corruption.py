"""What corrupting single vectors did, cell by cell, and how often the Low-Norm Effect was there.

The effect is there at a position and a strength where the norm fell and the accuracy rose (Fu et al.,
"Nemesis", ICLR 2024). One image more is enough for that, so every cell has a test beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from nemesis_sweep.report.statistics import Score, score
from nemesis_sweep.report.statistics.bootstrap import percentile_interval
from nemesis_sweep.report.statistics.estimate import Estimate
from nemesis_sweep.report.statistics.image_bootstrap import resampled_means
from nemesis_sweep.report.statistics.mcnemar import mcnemar_each
from nemesis_sweep.report.statistics.strata import SampleSize
from nemesis_sweep.sweep.corruption_file import SCHEMA, cell_rows, original_rows
from nemesis_sweep.training.corrupted import Corrupted, shares

RATE = 0.05
"""Of false findings among the cells that are told to be beyond chance."""


@dataclass(frozen=True)
class Often:
    """How often the effect is there, in percent. score: over the replicates. low, high: 95 % of what other
    test images would show, the mean over the replicates."""

    score: Score
    low: float
    high: float

    @property
    def estimate(self) -> Estimate:
        """As a cell of a table."""
        n = self.score.n
        return Estimate(self.score.mean, self.low, self.high, SampleSize(1, n, n, n))


@dataclass(frozen=True)
class Frequency:
    """How often the effect is there, of what lowered a norm.

    pairs: of pairs of position and strength. positions: of positions, at one strength or more. sure: pairs
    where the gain is beyond chance, over the replicates.
    """

    pairs: Often
    positions: Often
    sure: Score


@dataclass(frozen=True)
class Cells:
    """What is known of every cell of a grid, ``(R, P, S)``.

    low, high: the change in points on 95 % of other draws of the test images. q: McNemar's exact p, corrected
    by Benjamini and Hochberg (1995) for all cells. frequency: None where no cell lowers a norm.
    """

    grid: Corrupted
    low: np.ndarray
    high: np.ndarray
    q: np.ndarray
    frequency: Frequency | None

    @property
    def beyond_chance(self) -> np.ndarray:
        """Where accuracy changed, at a rate of false findings of 5 %."""
        return self.q <= RATE


def cells_of(grid: Corrupted) -> Cells:
    """The numbers of a grid. Test images are drawn again for all replicates at once, by a fixed seed."""
    q = false_discovery(grid.won, grid.lost)
    difference = grid.right.astype(np.int8) - grid.before[:, None, None].astype(np.int8)
    lowered = grid.lowered
    changes, drawn = [], []
    for means in resampled_means(difference):
        changes.append(100 * means)
        drawn.append(np.stack(shares(lowered & (means > 0), lowered), axis=-1).mean(axis=1))
    low, high = percentile_interval(np.concatenate(changes))
    return Cells(grid, low, high, q, _frequency(grid, q, np.concatenate(drawn)))


def _frequency(grid: Corrupted, q: np.ndarray, drawn: np.ndarray) -> Frequency | None:
    """drawn: shares of pairs and of positions, of every draw of the images, ``(D, 2)``."""
    lowered = grid.lowered
    if not lowered.any(axis=(1, 2)).all():
        return None
    seen = shares(grid.low_norm, lowered)
    low, high = percentile_interval(drawn)
    pairs, positions = (
        Often(score(each.tolist()), float(low[place]), float(high[place])) for place, each in enumerate(seen)
    )
    sure, _ = shares(grid.low_norm & (q <= RATE), lowered)
    return Frequency(pairs, positions, score(sure.tolist()))


def false_discovery(won: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """McNemar's p of every cell, corrected for all of them."""
    from scipy.stats import false_discovery_control

    found: np.ndarray = false_discovery_control(mcnemar_each(won, lost), axis=None)
    return found.reshape(won.shape)


COLUMNS = [name for name in SCHEMA.names if name != "right"]
TESTED = ("change", "change_low", "change_high", "q")
"""Columns beside those of a trial's own file."""


def corruption_table(found: Mapping[str, Sequence[Cells]]) -> pa.Table:
    """A row for every seed, position (from 1), operation and strength, and one of each seed for the prompt as
    it was learnt. found: by split."""
    schema = pa.schema([SCHEMA.field(name) for name in COLUMNS])
    for name in TESTED:
        schema = schema.append(pa.field(name, pa.float64()))
    rows = [row for split, cells in found.items() for row in _rows(split, cells)]
    return pa.Table.from_pylist(rows, schema)


def _rows(split: str, found: Sequence[Cells]) -> Iterator[dict[str, Any]]:
    yield from original_rows(split, found[0].grid)
    for cells in found:
        numbers = [each.ravel().tolist() for each in (cells.grid.change, cells.low, cells.high, cells.q)]
        for row, values in zip(cell_rows(split, cells.grid), zip(*numbers, strict=True), strict=True):
            yield {**row, **dict(zip(TESTED, values, strict=True))}
