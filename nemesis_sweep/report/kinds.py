"""Every kind of prompt with each loss: the best trials side by side, each beside its own control."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nemesis_sweep.report.entry import Entry
from nemesis_sweep.report.statistics import Gain
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.losses import LOSSES, NONE, loss_of
from nemesis_sweep.sweep.beside import baseline_of
from nemesis_sweep.sweep.best import best, candidates_of
from nemesis_sweep.sweep.row import Row


@dataclass(frozen=True)
class Tried:
    """The best trial of a kind of prompt with a loss.

    control: the same without its penalty; adds: what the penalty adds on test, paired by seed. Both are None
    where that was not trained, and of a trial without a penalty.
    """

    best: Entry
    control: Entry | None = None
    adds: Gain | None = None


@dataclass(frozen=True)
class KindRow:
    """A kind of prompt. tried: by loss, those of which a trial completed."""

    kind: str
    tried: Mapping[str, Tried]


def kind_rows(
    kept: Sequence[Row], objectives: Sequence[str], tried: Callable[[str], Tried | None]
) -> tuple[KindRow, ...]:
    """A row for every kind that trials drew; none where a search had no more than one.

    kept: trials that may be the best. tried: what is told of a trial, by its number.
    """
    drawn: dict[str, list[Row]] = {}
    for row in kept:
        # A baseline that is a point of the space is a trial, too.
        if "prompt" in row.params and baseline_of(row.number) not in BASELINES:
            drawn.setdefault(str(row.params["prompt"]), []).append(row)
    if len(drawn) < 2:
        return ()
    return tuple(KindRow(kind, _by_loss(drawn[kind], objectives, tried)) for kind in sorted(drawn))


def losses_of(rows: Iterable[KindRow]) -> list[str]:
    """The losses that any kind was tried with."""
    found = {loss for row in rows for loss in row.tried}
    return [loss for loss in LOSSES if loss in found]


def _by_loss(
    rows: Sequence[Row], objectives: Sequence[str], tried: Callable[[str], Tried | None]
) -> dict[str, Tried]:
    found: dict[str, Tried] = {}
    for loss in LOSSES:
        winner = best(candidates_of([row for row in rows if loss_of(row.method) == loss], objectives))
        told = None if winner is None else tried(winner.number)
        if told is not None:
            found[loss] = Tried(told.best) if loss == NONE else told
    return found
