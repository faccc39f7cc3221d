"""The methods that stand side by side on a task: references, baselines, and the best of what was searched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nemesis_sweep.report.entry import Entry, entry_of
from nemesis_sweep.report.leaderboard import BEST_OF_SEARCH
from nemesis_sweep.spec.baselines import BASELINES, CONTROL, COOP
from nemesis_sweep.spec.losses import LOSSES, loss_of
from nemesis_sweep.sweep.beside import control_of
from nemesis_sweep.sweep.best import best, best_proposed, candidates_of, trained
from nemesis_sweep.sweep.row import Row

BEST = "best found"
BEST_OF = "best "
PLAIN = BASELINES[COOP].label
TEST = "test/accuracy"
VALIDATION = "val/accuracy"


@dataclass(frozen=True)
class Contender:
    """A method on a task.

    method: its name in tables, the same on every task. row: of its trial. entry: its scores, with its gain
    over plain CoOp of the same sweep. selected: the metric that chose it among trials, or its strengths; ''
    where nothing was chosen.
    """

    method: str
    row: Row
    entry: Entry
    selected: str = ""


def contenders(
    rows: Sequence[Row],
    deciding: Sequence[Row],
    objectives: Sequence[str],
    beaten: bool = False,
    several: Collection[str] = (),
) -> tuple[Contender, ...]:
    """The methods of one task, in the order of tables.

    rows: of the task. deciding: those by which the best were chosen: the same, or those of a joint study's
    means. beaten: whether on a task of the sweep a row beside the search is the best found, so that the best
    of the search is told apart from it. several: see ``several_tried``.
    """
    complete = {row.number: row for row in rows if row.state == "COMPLETE"}
    coop = complete.get(COOP)
    kept = [row for row in trained(deciding, objectives) if not row.broken]
    winner = next((row.number for row in kept if row.best), "")
    each = list(_best_of_each(kept, objectives, several))
    alone = best_proposed(kept, objectives) if beaten and not each else None
    controls = [control_of(winner)]
    if alone is not None:
        each.append((BEST_OF_SEARCH, alone.number))
        controls.append(control_of(alone.number))
    found = [*_baselines(complete), *each, (BEST, winner)]
    # Plain CoOp has none. Where the winner has one, it is that.
    found += [(BASELINES[CONTROL].label, number) for number in controls if number in complete][:1]
    return tuple(
        Contender(
            method,
            complete[number],
            entry_of(method, complete[number], coop),
            _chosen(method, complete[number], objectives),
        )
        for method, number in found
        if number in complete
    )


def _chosen(method: str, row: Row, objectives: Sequence[str]) -> str:
    if method.startswith(BEST_OF) or method == BASELINES[CONTROL].label:
        return objectives[0]
    return VALIDATION if row.baseline in BASELINES and BASELINES[row.baseline].chooses else ""


def _baselines(complete: Mapping[str, Row]) -> Iterator[tuple[str, str]]:
    """The rows beside the search, with their numbers; one that is a point of the space is a trial."""
    by_name = {row.baseline: number for number, row in complete.items() if row.baseline}
    for name, baseline in BASELINES.items():
        if name in by_name and not baseline.last:
            yield baseline.label, by_name[name]


def several_tried(rows: Iterable[Row]) -> set[str]:
    """The losses of trials, and their kinds of prompts, where the search tried several: each has a row on
    every task that tried it. rows: of all tasks of a sweep, those by which the best are chosen."""
    searched = [row for row in rows if row.is_proposed and row.state == "COMPLETE"]
    groups = ({loss_of(row.method) for row in searched}, {_kind(row) for row in searched})
    return {label for group in groups if len(group) > 1 for label in group}


def _best_of_each(
    kept: Sequence[Row], objectives: Sequence[str], several: Collection[str]
) -> Iterator[tuple[str, str]]:
    """The best trial of every loss and of every kind of prompt of which the search tried several."""
    searched = [row for row in kept if row.is_proposed]
    for told, labels in ((lambda row: loss_of(row.method), LOSSES), (_kind, sorted(map(_kind, searched)))):
        for label in dict.fromkeys(labels):
            own = [row for row in searched if told(row) == label]
            if label in several and (winner := best(candidates_of(own, objectives))):
                yield BEST_OF + label, winner.number


def _kind(row: Row) -> str:
    return str(row.method.get("prompt"))
