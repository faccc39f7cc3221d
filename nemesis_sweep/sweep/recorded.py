"""The studies of a home as its storage holds them: read while a sweep runs or afterwards, never written.

Opening a :class:`Study` would begin what is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.beside_study import baselines_of
from nemesis_sweep.sweep.convergence import Convergence, ending, last_answer
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.no_sweep import no_sweep
from nemesis_sweep.sweep.home.task_names import named_in
from nemesis_sweep.sweep.proposal import BASELINE, TWIN
from nemesis_sweep.sweep.quiet_optuna import quiet_optuna
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.rows import trial_rows
from nemesis_sweep.sweep.space.planned import trials_of
from nemesis_sweep.sweep.storage.choice import has_trials, stored


@dataclass(frozen=True)
class RecordedStudy:
    """A study's trials with their numbers, the baselines beside the space first; none before it has begun."""

    sweep: Sweep
    key: str
    tasks: tuple[Task, ...]
    trials: tuple[tuple[str, FrozenTrial], ...]
    answer: Convergence | None = None
    """Whether its search has converged, when it was last asked."""

    @cached_property
    def begun(self) -> int:
        """Trials of its search."""
        return sum(number.isdigit() for number, _ in self.trials)

    @cached_property
    def ending(self) -> str:
        """Why its search asked for no more trials, as ``convergence.ending`` has it; '' where nobody asks."""
        asks = self.sweep.budget.until is not None
        return ending(self.begun, trials_of(self.sweep, self.tasks), self.answer) if asks else ""

    @property
    def objective(self) -> str:
        """The first objective."""
        return self.sweep.search.objective[0]

    def last_value(self, trial: FrozenTrial) -> tuple[int, float] | None:
        """The last step that a complete trial reported, and the objective then."""
        return max(trial.intermediate_values.items(), default=None)


def recorded_sweep(home: Home) -> Sweep:
    """The sweep that a home was last run with. Raises ``UserError`` when the folder holds no sweep."""
    if not has_trials(home):
        raise no_sweep(home.path)
    return named_in(home, load_sweep(home.sweep_file))


def recorded_studies(sweep: Sweep, home: Home) -> list[RecordedStudy]:
    """The studies of a sweep in the order of its tasks. Raises ``UserError`` for a storage out of reach."""
    quiet_optuna()
    storage = stored(home)
    names = set(optuna.get_all_study_names(storage))
    found = []
    for key, tasks in sweep.studies().items():
        trials: list[tuple[str, FrozenTrial]] = []
        answer = None
        for name in (baselines_of(key), key):
            if name in names:
                study = optuna.load_study(study_name=name, storage=storage)
                answer = last_answer(study.user_attrs)
                began = [trial for trial in study.get_trials(deepcopy=False) if TWIN not in trial.user_attrs]
                trials += [(_number(trial, name == key), trial) for trial in began]
        found.append(RecordedStudy(sweep, key, tuple(tasks), tuple(trials), answer))
    return found


def complete_rows(studies: list[RecordedStudy], home: Home) -> Iterator[Row]:
    """The rows of the trials that are complete."""
    for study in studies:
        for number, trial in study.trials:
            if trial.state == TrialState.COMPLETE:
                yield from trial_rows(study, number, trial, home.path)


def _number(trial: FrozenTrial, in_space: bool) -> str:
    return str(trial.number) if in_space else trial.user_attrs.get(BASELINE, "")
