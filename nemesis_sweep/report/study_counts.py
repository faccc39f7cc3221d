"""What the live view counts: studies, running trials, the best so far, the rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nemesis_sweep.spec.baselines import CONFIRM
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.beside import baseline_of, original_of
from nemesis_sweep.sweep.best import Candidate, best, candidates_in

if TYPE_CHECKING:
    from nemesis_sweep.sweep.study import Study

STATES = ("COMPLETE", "PRUNED", "FAIL")


@dataclass
class StudyCounts:
    """One study as the watcher sees it.

    budget: trials that there will be in the end, baselines included; complete, pruned, failed: trials that
    are over, in earlier runs of the same sweep too; best: the best trial so far.
    """

    study: str
    budget: int
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    best: Candidate | None = None
    running: int = 0
    total: Callable[[], int] | None = None
    """Counts anew how many trials there will be: of some it is known only when others are over."""

    @property
    def done(self) -> int:
        """Trials that are over."""
        return self.complete + self.pruned + self.failed

    @property
    def left(self) -> int:
        """Trials that are not over yet."""
        return max(0, self.budget - self.done)

    def count(self, state: str, candidate: Candidate | None) -> None:
        """Count a trial that ended as COMPLETE, PRUNED or FAIL; raises ValueError for another state.

        candidate: None for a trial that cannot be the best.
        """
        if state not in STATES:
            raise ValueError(f"a trial ends as one of {', '.join(STATES)} but got {state!r}")
        self.complete += state == "COMPLETE"
        self.pruned += state == "PRUNED"
        self.failed += state == "FAIL"
        self.budget = max(self.budget if self.total is None else self.total(), self.done)
        if candidate is not None:
            self.best = best(each for each in (self.best, candidate) if each is not None)


@dataclass
class RunningTrial:
    """A trial at work: how far it is and what it last measured."""

    study: str
    number: str
    params: Values
    epoch: int = 0
    epochs: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)


def trial_name(number: str) -> str:
    """Return `trial 7` for a number, `baseline coop` for a baseline, `trial 7 on fresh seeds`."""
    if baseline_of(number) == CONFIRM:
        return f"{trial_name(original_of(number))} on fresh seeds"
    return f"trial {number}" if number.isdigit() else f"baseline {number}"


def duration(seconds: float) -> str:
    """Return `48 s`, `4 min 10 s` or `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def one_line(text: str) -> str:
    """Return text as one line without control characters (errors quote whatever a program printed)."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def counts_of(study: Study) -> StudyCounts:
    """Count what a study already holds, its baselines included."""
    counts, trials = StudyCounts(study.key, study.total), study.trials()
    for _, trial in trials:
        if trial.state.is_finished():
            counts.count(trial.state.name, None)
    counts.total = lambda: study.total
    counts.best = best(candidates_in(trials, study.sweep.search.directions))
    return counts
