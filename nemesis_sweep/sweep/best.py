"""The best trial of a study and its Pareto front: chosen here and nowhere else, told in every row.

The best is the trained trial that keeps every constraint and is best by the first objective; of equals by the
next ones, then by the lower validation loss, then the earlier, baselines before the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.baselines import order
from nemesis_sweep.spec.metrics import Direction, direction
from nemesis_sweep.spec.sweep import MEAN
from nemesis_sweep.sweep.beside import may_be_best
from nemesis_sweep.sweep.proposal import BASELINE
from nemesis_sweep.sweep.row import Row

LOSS = "val/loss"
"""The metric that decides between equals, and the user attribute of a complete trial that keeps it."""

Trials = Sequence[tuple[str, FrozenTrial]]
"""Trials of a study with their numbers."""


@dataclass(frozen=True)
class Candidate:
    """A trial that may be the best. values: of its objectives. losses: the same, each so that less is better.
    rank: among equals by these."""

    number: str
    values: tuple[float, ...]
    losses: tuple[float, ...]
    rank: tuple[float, int, int]

    @property
    def key(self) -> tuple[tuple[float, ...], tuple[float, int, int]]:
        """Sorts the best first."""
        return self.losses, self.rank


def candidate(
    number: str, values: Sequence[float], directions: Sequence[Direction], loss: float | None, baseline: str
) -> Candidate:
    """A trial with its objectives. loss: on validation, None where it is not known."""
    signs = [-1.0 if each == "maximize" else 1.0 for each in directions]
    losses = tuple(sign * value for sign, value in zip(signs, values, strict=True))
    place = int(number) if number.isdigit() else 0
    return Candidate(
        number, tuple(values), losses, (math.inf if loss is None else loss, order(baseline), place)
    )


def front(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those that no other one beats, the best first: at least as good by all objectives, better by one.

    With one objective: the best, and those that are exactly as good.
    """
    found: list[Candidate] = []
    # In this order a candidate is beaten, if at all, by one that came before it and stands on the front.
    for each in sorted(candidates, key=lambda each: each.key):
        if not any(_beats(other.losses, each.losses) for other in found):
            found.append(each)
    return found


def best(candidates: Iterable[Candidate]) -> Candidate | None:
    """The best of all; None of none."""
    return min(candidates, key=lambda each: each.key, default=None)


def best_trials(trials: Trials, directions: Sequence[Direction]) -> list[tuple[str, FrozenTrial]]:
    """The front among the trials of a study, with their numbers, the best first."""
    known = dict(trials)
    return [(each.number, known[each.number]) for each in front(candidates_in(trials, directions))]


def best_trial(trials: Trials, directions: Sequence[Direction]) -> tuple[str, FrozenTrial] | None:
    """The best trial of a study with its number; None while none that keeps the constraints is complete."""
    found = best(candidates_in(trials, directions))
    return None if found is None else (found.number, dict(trials)[found.number])


def best_ones(trials: Trials, directions: Sequence[Direction], most: int) -> list[tuple[str, FrozenTrial]]:
    """The best trials of a study with their numbers, the best first; of several objectives of its front."""
    known, candidates = dict(trials), candidates_in(trials, directions)
    ranked = sorted(candidates, key=lambda each: each.key) if len(directions) == 1 else front(candidates)
    return [(each.number, known[each.number]) for each in ranked[:most]]


def mark_best(rows: Iterable[Row], objectives: Sequence[str]) -> list[Row]:
    """The rows with `front` and `best`.

    A joint trial is judged by its means, whatever it reached on one of the tasks; its rows say the same.
    """
    rows = list(rows)
    by_study: dict[str, list[Row]] = {}
    for row in rows:
        by_study.setdefault(row.study, []).append(row)
    chosen = {study: front(candidates_of(judged(group), objectives)) for study, group in by_study.items()}
    fronts = {study: {each.number for each in found} for study, found in chosen.items()}
    return [
        replace(
            row,
            front=row.number in fronts[row.study],
            best=bool(chosen[row.study]) and row.number == chosen[row.study][0].number,
        )
        for row in rows
    ]


def judged(rows: Sequence[Row]) -> list[Row]:
    """The rows of a study that decide: of a joint one those with the means."""
    return [row for row in rows if row.task == MEAN] or list(rows)


def trained(rows: Iterable[Row], objectives: Sequence[str]) -> list[Row]:
    """The trained trials that are complete with every objective, also those that break a constraint."""
    return [
        row
        for row in rows
        if row.state == TrialState.COMPLETE.name
        and may_be_best(row.baseline)
        and all(row.measured(metric) is not None for metric in objectives)
    ]


def candidates_of(rows: Iterable[Row], objectives: Sequence[str]) -> list[Candidate]:
    """The candidates among the rows of one study."""
    directions = [direction(name) for name in objectives]
    return [
        candidate(
            row.number,
            [row.measured(name) or 0.0 for name in objectives],
            directions,
            row.measured(LOSS),
            row.baseline,
        )
        for row in trained(rows, objectives)
        if not row.broken
    ]


def best_proposed(rows: Iterable[Row], objectives: Sequence[str]) -> Candidate | None:
    """The best of the trials of the search, without the rows beside it; None where there is none."""
    return best(candidates_of([row for row in rows if row.is_proposed], objectives))


def candidates_in(trials: Trials, directions: Sequence[Direction]) -> list[Candidate]:
    """The candidates among the trials of a study."""
    return [
        candidate(
            number,
            trial.values,
            directions,
            trial.user_attrs.get(LOSS),
            trial.user_attrs.get(BASELINE, ""),
        )
        for number, trial in trials
        if trial.state == TrialState.COMPLETE
        and may_be_best(number)
        and all(excess <= 0 for excess in trial.constraints.values())
    ]


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
