"""Who won, by how much, and whether that is more than noise: the data of every leaderboard."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.front import front_of, measured, trained
from nemesis_sweep.report.selection import selected_percent
from nemesis_sweep.report.statistics import Gain, Score, paired_gain, score
from nemesis_sweep.spec.baselines import BASELINES, CONTROL, COOP, order, trains_prompt
from nemesis_sweep.spec.expression import metrics_in
from nemesis_sweep.spec.method import PENALTY_FIELDS
from nemesis_sweep.spec.metrics import MEASURED, direction
from nemesis_sweep.spec.sweep import MEAN
from nemesis_sweep.sweep.control import control_of

BEST = "best found"
LOSSES: Mapping[str, float] = {"best of PUN": 1.0, "best of PAN": 0.0}
"""The two losses by their beta: where both were tried, one that did not win has a row of its own."""
FRONT = "on the front"
USUAL = ("val/accuracy", "test/accuracy")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One row of a task's table; accuracies in percent, None where a trial has no such metric.

    more: other metrics that are objectives or in a broken constraint. broken: the constraints it breaks.
    selected: percent of the positions that PAN drew and then penalised, None where it had no choice.
    """

    label: str
    number: str
    baseline: str
    val: Score | None
    test: Score | None
    gain: Gain | None
    params: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Score] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    selected: float | None = None

    @property
    def is_nemesis(self) -> bool:
        """Whether this was trained with a norm penalty (omega above 0); true where omega is not known."""
        omega = self.params.get("omega", self.config.get("omega"))
        return trains_prompt(self.baseline) and self.baseline != COOP and (omega is None or float(omega) > 0)

    def metric(self, name: str) -> Score | None:
        """A metric by its name, None where it was not measured."""
        return {"val/accuracy": self.val, "test/accuracy": self.test}.get(name, self.more.get(name))


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

    def entry(self, baseline: str) -> Entry | None:
        """Return the row of a baseline, None if it did not complete."""
        return next((entry for entry in self.entries if entry.label == BASELINES[baseline].label), None)

    @property
    def references(self) -> tuple[Entry, ...]:
        """The rows that train no prompt: never the best found, and sometimes better than it."""
        return tuple(entry for entry in self.entries if not trains_prompt(entry.baseline))


def leaderboard(
    rows: Iterable[Mapping[str, Any]], objectives: Sequence[str] = ("val/accuracy",)
) -> list[TaskBoard]:
    """Return one board per task, in the order in which the studies and tasks appear among the rows.

    rows: results of trials as in results.parquet; those that are not COMPLETE count for nothing. The best is
    selected among all trained trials that keep the constraints, plain CoOp and the paper's setting included:
    on the first objective, ties by the next ones, then by the lower validation loss, then for the earlier
    trial (baselines come first). In a joint study the means over the tasks select one trial for all
    of them; its last board shows the means.
    """
    studies: dict[str, list[Row]] = {}
    for row in rows:
        studies.setdefault(str(row["study"]), []).append(row)
    boards: list[TaskBoard] = []
    for study, trials in studies.items():
        means = [row for row in trials if row.get("task") == MEAN]
        if means:
            boards += _joint_boards(study, trials, means, tuple(objectives))
        else:
            boards.append(_board(study, trials, trials, tuple(objectives)))
    return boards


def _joint_boards(
    study: str, rows: Sequence[Row], means: Sequence[Row], objectives: tuple[str, ...]
) -> list[TaskBoard]:
    """A board for every task and one for the means, all of the trial that the means select."""
    tasks: dict[str, list[Row]] = {}
    for row in rows:
        if row.get("task") != MEAN:
            tasks.setdefault(str(row["task"]), []).append(row)
    boards = [_board(task, of_task, means, tuple(objectives)) for task, of_task in tasks.items()]
    mean = _board(f"{study}: mean over {counted(len(tasks), 'task')}", means, means, tuple(objectives))
    return [replace(board, mean_of=len(tasks), is_mean=board is mean) for board in [*boards, mean]]


def _board(study: str, rows: Sequence[Row], judged: Sequence[Row], objectives: tuple[str, ...]) -> TaskBoard:
    """The board of one task's rows; the best is the trial that wins among the rows `judged`."""
    complete = [row for row in rows if row.get("state", "COMPLETE") == "COMPLETE"]
    by_name = {row["baseline"]: row for row in complete if row.get("baseline")}
    coop = by_name.get("coop")
    entries = [
        _entry(row.label, by_name[name], coop)
        for name, row in BASELINES.items()
        if name in by_name and not row.last
    ]
    best = control = None
    candidates = trained(judged, objectives)
    kept = [row for row in candidates if not row.get("broken")]
    first = min(kept, key=lambda row: _rank(row, objectives), default=None)
    by_number = {row["number"]: row for row in complete}
    winner = by_number.get(first["number"]) if first is not None else None
    if winner is not None:
        best = _entry(BEST, winner, coop)
        entries.append(best)
        control = by_number.get(control_of(winner["number"]))
        if control is not None:
            entries.append(_entry(BASELINES[CONTROL].label, control, coop))
        for label, row in _best_losses(kept, objectives):
            if row is not first and not row.get("baseline") and row["number"] in by_number:
                entries.append(_entry(label, by_number[row["number"]], coop))
    front = front_of(judged, objectives) if len(objectives) > 1 else []
    names = {name for row in rows for name in row.get("params") or {}}
    return TaskBoard(
        study=study,
        searched=tuple(sorted(names)),
        entries=tuple(entries),
        best=best,
        objectives=objectives,
        replicates=_replicates(winner) if winner is not None else 0,
        complete=len(kept),
        broken=Counter(text for row in candidates for text in row.get("broken") or ()),
        front=tuple(
            _entry(FRONT, by_number[row["number"]], coop)
            for row in front
            if row is not first and row["number"] in by_number
        ),
        paired=_paired(winner, coop) if winner is not None and coop is not None else {},
        penalty=_penalty(best, winner, control, coop) if best is not None and winner is not None else {},
        selected=tuple(share for row in complete if (share := selected_percent(row)) is not None),
    )


def _best_losses(kept: Sequence[Row], objectives: Sequence[str]) -> Iterator[tuple[str, Row]]:
    """The best trial of PUN alone and that of PAN alone, where the search tried both."""
    tried = {
        label: [row for row in kept if (row.get("params") or {}).get("beta") == beta]
        for label, beta in LOSSES.items()
    }
    if all(tried.values()):
        for label, rows in tried.items():
            yield label, min(rows, key=lambda row: _rank(row, objectives))


def _entry(label: str, row: Mapping[str, Any], coop: Mapping[str, Any] | None) -> Entry:
    return Entry(
        label=label,
        number=str(row["number"]),
        baseline=row.get("baseline") or "",
        val=_score(row, "val/accuracy"),
        test=_score(row, "test/accuracy"),
        gain=_gain(row, coop) if coop is not None and row is not coop else None,
        params=row.get("params") or {},
        config=row.get("config") or {},
        more={name: score(values) for name in _known(row) if (values := _values(row, name))},
        broken=tuple(row.get("broken") or ()),
        selected=selected_percent(row),
    )


def _rank(row: Mapping[str, Any], objectives: Sequence[str]) -> tuple[list[float], float, int, int]:
    """Sort key: the best trial comes first."""
    values = [measured(row, name) or 0.0 for name in objectives]
    loss = measured(row, "val/loss")
    number = str(row["number"])
    return (
        [-v if direction(name) == "maximize" else v for name, v in zip(objectives, values, strict=True)],
        math.inf if loss is None else loss,
        order(row.get("baseline")),
        int(number) if number.isdigit() else 0,
    )


def is_test_set(metric: str) -> bool:
    """Whether a metric is the accuracy on a test set that a protocol adds: `test/new`, `test/NAME`."""
    return metric.startswith("test/") and metric not in MEASURED


def _known(row: Row) -> list[str]:
    """The names of a row's metrics that a table may show, those of test sets in the order of the protocol."""
    places = ("test/source", "test/base", "test/new", "test/H")
    tested = filter(is_test_set, row.get("metrics") or {})
    return [
        *MEASURED,
        *sorted(tested, key=lambda name: places.index(name) if name in places else len(places)),
    ]


def _replicates(row: Mapping[str, Any]) -> int:
    return max((len(values) for values in (row.get("replicates") or {}).values()), default=1)


def _values(row: Mapping[str, Any], metric: str) -> list[float]:
    """Return the metric per replicate; the mean alone where replicates were not kept."""
    values = (row.get("replicates") or {}).get(metric)
    if values:
        return [float(value) for value in values]
    mean = measured(row, metric)
    return [] if mean is None else [mean]


def _score(row: Mapping[str, Any], metric: str) -> Score | None:
    values = _values(row, metric)
    return score(values) if values else None


def _paired(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[int, tuple[float, float]]:
    """Return seed -> test accuracy of both. What no seed changes (zero-shot) stands against every seed."""
    left, right = _values(ours, "test/accuracy"), _values(theirs, "test/accuracy")
    seeds = list(theirs.get("seeds") or range(len(right)))
    if not _learns(ours) and len(left) == 1:
        left = left * len(right)
        own_seeds = seeds
    else:
        own_seeds = list(ours.get("seeds") or range(len(left)))
    if len(own_seeds) != len(left) or len(seeds) != len(right):
        return {}
    coop = dict(zip(seeds, right, strict=True))
    return {seed: (value, coop[seed]) for seed, value in zip(own_seeds, left, strict=True) if seed in coop}


def _learns(row: Row) -> bool:
    baseline = BASELINES.get(row.get("baseline") or "")
    return baseline is None or baseline.learns


def _penalty(
    best: Entry, winner: Row, control: Row | None, coop: Row | None
) -> dict[int, tuple[float, float]]:
    """Return seed -> test accuracy of the best and of the same without its penalty."""
    if not best.is_nemesis:
        return _paired(winner, winner)
    if control is None and coop is not None and _differ_in_penalty_only(winner, coop):
        control = coop
    return _paired(winner, control) if control is not None else {}


def _differ_in_penalty_only(one: Row, other: Row) -> bool:
    ours, theirs = one.get("config") or {}, other.get("config") or {}
    return all(ours.get(name) == theirs.get(name) for name in {*ours, *theirs} - PENALTY_FIELDS)


def _gain(ours: Mapping[str, Any], coop: Mapping[str, Any]) -> Gain | None:
    pairs = _paired(ours, coop)
    if pairs:
        return paired_gain([pair[0] for pair in pairs.values()], [pair[1] for pair in pairs.values()])
    left, right = _score(ours, "test/accuracy"), _score(coop, "test/accuracy")
    # Nothing to pair: the difference of the means stands alone, without an interval.
    return Gain(left.mean - right.mean, None, None, 1) if left and right else None
