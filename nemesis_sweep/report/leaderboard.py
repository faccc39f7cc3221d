"""Who won, by how much, and whether that is more than noise: the data of every leaderboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.confirmed import Confirmed, confirmed_settings
from nemesis_sweep.report.entry import Entry, entry_of, is_test_set, paired
from nemesis_sweep.report.kinds import KindRow, Tried, kind_rows
from nemesis_sweep.report.selection import selected_percent
from nemesis_sweep.report.statistics import Gain, paired_gain
from nemesis_sweep.spec.baselines import BASELINES, CONFIRM, CONTROL, COOP, trains_prompt
from nemesis_sweep.spec.expression import metrics_in
from nemesis_sweep.spec.losses import PAN, PUN, loss_of
from nemesis_sweep.spec.method import PENALTY_FIELDS
from nemesis_sweep.spec.sweep import MEAN
from nemesis_sweep.sweep.beside import control_of
from nemesis_sweep.sweep.best import best, best_proposed, candidates_of, front, judged, trained
from nemesis_sweep.sweep.row import Row

BEST = "best found"
BEST_OF = "best of "
"""Where several losses or kinds of prompts were tried, one that did not win has a row of its own."""
BEST_OF_SEARCH = f"{BEST_OF}the search"
"""It has one where there are no several losses or kinds, and a row beside the search won."""
FRONT = "on the front"
USUAL = ("val/accuracy", "test/accuracy")


@dataclass(frozen=True)
class TaskBoard:
    """The table of one task: the baselines that completed, and the best found (None if there is none).

    study: the task's name, or what the table of means is called. searched: names of the parameters that
    trials differ in. objectives: what the best was selected on; of several the best is the trial on the
    Pareto front that is best by the first. replicates: how many the best has. complete: trained trials that
    completed and keep the constraints. broken: constraint -> trials that completed and break it. front: the
    rest of the front, best by the first objective first; empty for one objective.
    paired: seed -> test accuracy of (best, CoOp); empty where they share no seeds.
    penalty: seed -> test accuracy of (best, the same without penalty): of its control, or of plain CoOp where
    the two differ in nothing else, or of itself where it has no penalty; empty where that was not trained.
    selected: percent of the drawn positions that PAN penalised, of every complete trial in which it chose.
    kinds: where trials drew several kinds of prompts, the best of each with each loss.
    confirmed: the settings that were trained again on fresh seeds, the best first.
    stopped: why the search asked for no more trials, after `the search`; '' while it goes on.
    mean_of: in a joint study the number of tasks, whose mean selected the best; 0 where every task has its
    own best. is_mean: whether the table itself shows the means over the tasks.
    """

    study: str
    searched: tuple[str, ...]
    entries: tuple[Entry, ...]
    best: Entry | None
    objectives: tuple[str, ...]
    replicates: int
    complete: int
    broken: Mapping[str, int] = field(default_factory=dict)
    front: tuple[Entry, ...] = ()
    paired: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    penalty: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    selected: tuple[float, ...] = ()
    kinds: tuple[KindRow, ...] = ()
    confirmed: tuple[Confirmed, ...] = ()
    stopped: str = ""
    mean_of: int = 0
    is_mean: bool = False

    @property
    def criterion(self) -> str:
        """What the best was selected on, in words."""
        name = self.objectives[0]
        return f"the mean {name} of {counted(self.mean_of, 'task')}" if self.mean_of else name

    @property
    def more(self) -> tuple[str, ...]:
        """The metrics that the table shows beside the accuracies on val and test."""
        constrained = [name for text in self.broken for name in metrics_in(text)]
        tested = [name for entry in self.entries for name in entry.more if is_test_set(name)]
        names = dict.fromkeys((*tested, *self.objectives, *constrained))
        return tuple(name for name in names if name not in USUAL)

    @property
    def penalty_gain(self) -> Gain | None:
        """What the penalty of the best adds on test, all else equal; None where that is not known."""
        return paired_gain(*zip(*self.penalty.values(), strict=True)) if self.penalty else None

    @property
    def best_confirmed(self) -> Confirmed | None:
        """The best on fresh seeds; None where it was not trained again."""
        number = None if self.best is None else self.best.number
        return next((each for each in self.confirmed if each.number == number), None)

    def entry(self, baseline: str) -> Entry | None:
        """Return the row of a baseline, None if it did not complete."""
        return next((entry for entry in self.entries if entry.label == BASELINES[baseline].label), None)

    @property
    def references(self) -> tuple[Entry, ...]:
        """The rows that train no prompt: never the best found, and sometimes better than it."""
        return tuple(entry for entry in self.entries if not trains_prompt(entry.baseline))


def leaderboard(rows: Iterable[Row], objectives: Sequence[str] = ("val/accuracy",)) -> list[TaskBoard]:
    """Return one board per task, in the order in which the studies and tasks appear among the rows.

    rows: of trials as in results.parquet, which say themselves which is the best (``mark_best``); those that
    are not COMPLETE count for nothing. In a joint study one trial is the best for all tasks; its last board
    shows the means.
    """
    studies: dict[str, list[Row]] = {}
    for row in rows:
        studies.setdefault(row.study, []).append(row)
    boards: list[TaskBoard] = []
    for study, trials in studies.items():
        if any(row.task == MEAN for row in trials):
            boards += _joint_boards(study, trials, tuple(objectives))
        else:
            boards.append(_board(study, trials, trials, tuple(objectives)))
    return boards


def _joint_boards(study: str, rows: Sequence[Row], objectives: tuple[str, ...]) -> list[TaskBoard]:
    """A board for every task and one for the means, all of the trial that the means select."""
    means = judged(rows)
    tasks: dict[str, list[Row]] = {}
    for row in rows:
        if row.task != MEAN:
            tasks.setdefault(str(row.task), []).append(row)
    boards = [_board(task, of_task, means, objectives) for task, of_task in tasks.items()]
    mean = _board(f"{study}: mean over {counted(len(tasks), 'task')}", means, means, objectives)
    return [replace(board, mean_of=len(tasks), is_mean=board is mean) for board in [*boards, mean]]


def _board(
    study: str, rows: Sequence[Row], deciding: Sequence[Row], objectives: tuple[str, ...]
) -> TaskBoard:
    """The board of one task's rows. deciding: the rows of the study by which its best was chosen."""
    complete = [row for row in rows if row.state == "COMPLETE" and row.baseline != CONFIRM]
    by_name = {row.baseline: row for row in complete if row.baseline}
    by_number = {row.number: row for row in complete}
    coop = by_name.get(COOP)
    entries = [
        entry_of(row.label, by_name[name], coop)
        for name, row in BASELINES.items()
        if name in by_name and not row.last
    ]
    found = None
    candidates = trained(deciding, objectives)
    kept = [row for row in candidates if not row.broken]
    winner = next((by_number.get(row.number) for row in kept if row.best), None)
    if winner is not None:
        found = entry_of(BEST, winner, coop)
        entries.append(found)
        entries += _control_entry(winner, by_number, coop)
        tried = _best_of_each(kept, objectives)
        shown = {number: BEST_OF + " and ".join(names) for number, names in tried.items()}
        alone = None if tried else best_proposed(kept, objectives)
        if alone is not None:
            shown = {alone.number: BEST_OF_SEARCH}
        for number, label in shown.items():
            row = by_number.get(number)
            if row is not None and row is not winner and not row.baseline:
                entries.append(entry_of(label, row, coop))
                entries += _control_entry(row, by_number, coop) if alone is not None else []
    names = {name for row in rows for name in row.params}
    return TaskBoard(
        study=study,
        searched=tuple(sorted(names)),
        entries=tuple(entries),
        best=found,
        objectives=objectives,
        replicates=_replicates(winner) if winner is not None else 0,
        complete=len(kept),
        broken=Counter(text for row in candidates for text in row.broken or ()),
        front=tuple(
            entry_of(FRONT, by_number[number], coop)
            for number in _front(kept, objectives)
            if number in by_number
        ),
        paired=paired(winner, coop) if winner is not None and coop is not None else {},
        penalty=_penalty(found, winner, by_number, coop) if found is not None and winner is not None else {},
        selected=tuple(share for row in complete if (share := selected_percent(row)) is not None),
        kinds=kind_rows(kept, objectives, lambda number: _tried(number, by_number, coop)),
        confirmed=confirmed_settings(rows, deciding, objectives),
        stopped=next((row.stopped for row in rows if row.stopped), ""),
    )


def _control_entry(row: Row, by_number: Mapping[str, Row], coop: Row | None) -> list[Entry]:
    """The same without its penalty, where that was trained."""
    control = by_number.get(control_of(row.number))
    return [] if control is None else [entry_of(BASELINES[CONTROL].label, control, coop)]


def _front(kept: Sequence[Row], objectives: Sequence[str]) -> list[str]:
    """The trials on the front beside the best, best by the first objective first; none of one objective."""
    if len(objectives) == 1:
        return []
    marked = [row for row in kept if row.front and not row.best]
    return [each.number for each in front(candidates_of(marked, objectives))]


def _best_of_each(kept: Sequence[Row], objectives: Sequence[str]) -> dict[str, list[str]]:
    """The best trial of PUN alone, of PAN alone and of every kind of prompt, where the search tried several
    of them: number -> what it is the best of."""
    drawn = [row for row in kept if "beta" in row.params]
    losses = {loss: [row for row in drawn if loss_of(row.method) == loss] for loss in (PUN, PAN)}
    names = {str(row.params["prompt"]) for row in kept if "prompt" in row.params and not row.baseline}
    kinds = {kind: [row for row in kept if row.params.get("prompt") == kind] for kind in sorted(names)}
    each: dict[str, list[str]] = {}
    for groups in (losses, kinds):
        found = {label: best(candidates_of(rows, objectives)) for label, rows in groups.items()}
        if len(found) > 1 and all(found.values()):
            for label, candidate in found.items():
                if candidate is not None:
                    each.setdefault(candidate.number, []).append(label)
    return each


def _replicates(row: Row) -> int:
    return max((len(values) for values in row.replicates.values()), default=1)


def _penalty(
    best: Entry, winner: Row, by_number: Mapping[str, Row], coop: Row | None
) -> dict[int, tuple[float, float]]:
    """Return seed -> test accuracy of the best and of the same without its penalty."""
    if not best.is_nemesis:
        return paired(winner, winner)
    control = _control_of(winner, by_number, coop)
    return paired(winner, control) if control is not None else {}


def _control_of(row: Row, by_number: Mapping[str, Row], coop: Row | None) -> Row | None:
    """The row of the same without its penalty: a control's, or plain CoOp's where nothing else differs."""
    control = by_number.get(control_of(row.number))
    if control is None and coop is not None and _differ_in_penalty_only(row, coop):
        return coop
    return control


def _tried(number: str, by_number: Mapping[str, Row], coop: Row | None) -> Tried | None:
    row = by_number.get(number)
    if row is None:
        return None
    entry, control = entry_of(BEST_OF, row, coop), _control_of(row, by_number, coop)
    if control is None:
        return Tried(entry)
    pairs = paired(row, control)
    adds = paired_gain(*zip(*pairs.values(), strict=True)) if pairs else None
    return Tried(entry, entry_of(BASELINES[CONTROL].label, control, coop), adds)


def _differ_in_penalty_only(one: Row, other: Row) -> bool:
    ours, theirs = one.config or {}, other.config or {}
    return all(ours.get(name) == theirs.get(name) for name in {*ours, *theirs} - PENALTY_FIELDS)
