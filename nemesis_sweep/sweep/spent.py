"""What the trials of a sweep have used of its budget."""

from collections.abc import Sequence

from optuna.trial import TrialState

from nemesis_sweep.spec.budget import Budget
from nemesis_sweep.sweep.study import Study


class Spent:
    """Hours and failures of the trials that are over, those of earlier runs included."""

    def __init__(self, budget: Budget, studies: Sequence[Study]) -> None:
        self._budget = budget
        over = [trial.state for study in studies for _, trial in study.trials()]
        self._failed = over.count(TrialState.FAIL)
        self._seconds = sum(study.seconds for study in studies)

    def add(self, seconds: float, state: TrialState) -> None:
        """Count a trial that is over."""
        self._seconds += seconds
        self._failed += state == TrialState.FAIL

    @property
    def too_many_failures(self) -> bool:
        """Whether more trials have failed than the budget allows, so that none is begun any more."""
        most = self._budget.max_failures
        return most is not None and self._failed > most

    def all_hours(self, running: float) -> bool:
        """Whether the trials have run for the hours of the budget; time in which none ran does not count.

        running: seconds of those that are not over.
        """
        hours = self._budget.hours
        return hours is not None and self._seconds + running >= 3600 * hours
