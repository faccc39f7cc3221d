"""What the best settings came to on fresh seeds: a score that nobody selected, beside the one that chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nemesis_sweep.report.entry import Entry, entry_of, paired
from nemesis_sweep.report.statistics import Gain, Score
from nemesis_sweep.spec.baselines import BASELINES, CONFIRM, CONTROL, COOP
from nemesis_sweep.sweep.beside import baseline_of, confirmation_of, original_of
from nemesis_sweep.sweep.best import candidates_of
from nemesis_sweep.sweep.row import Row


@dataclass(frozen=True)
class Confirmed:
    """A setting that was trained again on fresh seeds.

    number: of its trial. selected: as it was when it was selected, on the sweep's seeds; None of plain CoOp
    where it is no row of the sweep. confirmed: on the fresh ones; its gain is that over plain CoOp on the
    same fresh seeds, None of CoOp itself. seeds: the fresh ones. paired: seed -> test accuracy of (this,
    CoOp).
    """

    number: str
    selected: Entry | None
    confirmed: Entry
    seeds: tuple[int, ...]
    paired: Mapping[int, tuple[float, float]] = field(default_factory=dict)

    @property
    def val_difference(self) -> float | None:
        """Points of validation accuracy, confirmed less selected: below 0 by what the choice flattered."""
        return None if self.selected is None else _less(self.confirmed.val, self.selected.val)

    @property
    def test_difference(self) -> float | None:
        """Points of test accuracy, confirmed less selected."""
        return None if self.selected is None else _less(self.confirmed.test, self.selected.test)

    @property
    def gain(self) -> Gain | None:
        """Over plain CoOp on test, both on the fresh seeds and paired by them."""
        return self.confirmed.gain


def _less(confirmed: Score | None, selected: Score | None) -> float | None:
    return None if confirmed is None or selected is None else confirmed.mean - selected.mean


def confirmed_settings(
    rows: Sequence[Row], deciding: Sequence[Row], objectives: Sequence[str]
) -> tuple[Confirmed, ...]:
    """The settings of one board that were trained again: the best first, plain CoOp in its place or last.

    rows: of the board's task, all of them. deciding: the rows of its study by which the best were chosen.
    A setting whose confirmation is not complete is left out.
    """
    complete = {row.number: row for row in rows if row.state == "COMPLETE"}
    again = {number: row for number, row in complete.items() if baseline_of(number) == CONFIRM}
    if not again:
        return ()
    coop, coop_again = complete.get(COOP), again.get(confirmation_of(COOP))
    ranked = [each.number for each in sorted(candidates_of(deciding, objectives), key=lambda each: each.key)]
    others = [number for number in map(original_of, again) if number not in ranked]

    def told(number: str) -> Confirmed:
        before, now = complete.get(number), again[confirmation_of(number)]
        label = _label(number, before, is_best=number == ranked[0])
        return Confirmed(
            number,
            None if before is None else entry_of(label, before, coop),
            entry_of(label, now, coop_again),
            tuple(now.seeds or ()),
            {} if coop_again is None else paired(now, coop_again),
        )

    return tuple(told(number) for number in (*ranked, *others) if confirmation_of(number) in again)


def _label(number: str, row: Row | None, is_best: bool) -> str:
    """`trial 7`, or what a baseline is called; of the best found both."""
    name = number if row is None else row.baseline
    label = f"trial {number}"
    if baseline_of(number) == CONTROL:
        label = f"trial {original_of(number)}, omega 0"
    elif name in BASELINES:
        label = BASELINES[name].label
    return f"best found ({label})" if is_best else label
