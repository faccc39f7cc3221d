"""How far a sweep is, read from its home while it runs or afterwards; nothing is written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.best import best_trial, best_trials
from nemesis_sweep.sweep.home.driver import driver
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.simulated import is_simulated
from nemesis_sweep.sweep.last import still_to_come
from nemesis_sweep.sweep.proposal import SECONDS
from nemesis_sweep.sweep.recorded import RecordedStudy, recorded_studies, recorded_sweep
from nemesis_sweep.sweep.result import Means
from nemesis_sweep.sweep.space.baselines import outside_the_space
from nemesis_sweep.sweep.space.planned import trials_of
from nemesis_sweep.sweep.worker.result import read_result


@dataclass(frozen=True)
class FrontPoint:
    """A trial on the Pareto front: its number, its objectives by name, its parameters."""

    trial: str
    values: Means
    params: Values


@dataclass(frozen=True)
class StudyStatus:
    """Trials of one study by state, its baselines included, and the best of them (zero-shot aside).

    task: name of the study: its task's, or `joint`.

    What breaks a constraint is never the best. front: of several objectives the trials that no other beats,
    each with `trial`, `values` by metric and `params`; best_value and best_params are then those of the best
    by the first objective. Empty for one objective.

    best_test: its test accuracy in percent, None where there is none (a simulation, a damaged result). The
    best is never selected by it, unless the sweep file says so.

    search: with `budget.until` how far its search is, or why it ended; '' before it was asked.

    trial_seconds: mean time of the trials that train a prompt. eta_seconds: trials left times that, over the
    trials that run at once; None when none of them has ended yet or nothing runs.
    """

    task: str
    total: int
    complete: int
    running: int
    pruned: int
    failed: int
    best_value: float | None
    best_test: float | None
    best_params: Values
    best_trial: str
    front: tuple[FrontPoint, ...]
    trial_seconds: float | None
    eta_seconds: float | None
    search: str = ""


@dataclass(frozen=True)
class SweepStatus:
    """A sweep's studies, and the process that drives it (None: nobody does) with the machine it runs on.

    simulated: whether nothing of it was trained.
    """

    name: str
    simulated: bool
    home: str
    objective: str
    objectives: tuple[str, ...]
    constraints: tuple[str, ...]
    driver: int | None
    driver_host: str
    studies: tuple[StudyStatus, ...]

    @property
    def is_done(self) -> bool:
        """Whether every trial that there will be is over."""
        ended = [study.complete + study.pruned + study.failed for study in self.studies]
        return all(over >= study.total for over, study in zip(ended, self.studies, strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def sweep_status(home: Home) -> SweepStatus:
    """Read the status. Raises ``UserError`` when the folder holds no sweep."""
    sweep = recorded_sweep(home)
    return status_of(sweep, recorded_studies(sweep, home), home)


def status_of(sweep: Sweep, studies: Sequence[RecordedStudy], home: Home) -> SweepStatus:
    """The status of a sweep whose studies were read."""
    at_work = driver(home)
    return SweepStatus(
        name=sweep.name,
        simulated=is_simulated(home.path),
        home=str(home.path),
        objective=sweep.search.objective[0],
        objectives=tuple(sweep.search.objective),
        constraints=tuple(sweep.search.constraints),
        driver=at_work.process if at_work else None,
        driver_host=at_work.host if at_work else "",
        studies=tuple(_status(study, home) for study in studies),
    )


def _status(study: RecordedStudy, home: Home) -> StudyStatus:
    sweep, trials = study.sweep, study.trials
    states = Counter(trial.state for _, trial in trials)
    # Those that train nothing take no time: they would promise an end that does not come.
    trained = [trial for number, trial in trials if trains_prompt(number)]
    seconds = [trial.user_attrs[SECONDS] for trial in trained if SECONDS in trial.user_attrs]
    mean = sum(seconds) / len(seconds) if seconds else None
    running = states[TrialState.RUNNING]
    ended = states[TrialState.COMPLETE] + states[TrialState.PRUNED] + states[TrialState.FAIL]
    several = len(sweep.search.objective) > 1
    front = best_trials(trials, sweep.search.directions) if several else []
    total = _total(study)
    number, best = best_trial(trials, sweep.search.directions) or ("", None)
    result = read_result(home.trial(study.key, number)) if best is not None else None
    return StudyStatus(
        task=study.key,
        total=max(total, ended + running),
        complete=states[TrialState.COMPLETE],
        running=running,
        pruned=states[TrialState.PRUNED],
        failed=states[TrialState.FAIL],
        best_value=None if best is None else best.values[0],
        best_test=result.metrics.get("test/accuracy") if result else None,
        best_params={} if best is None else dict(best.params),
        best_trial=number,
        front=_told(front, sweep.search.objective),
        search=_search(study),
        trial_seconds=mean,
        eta_seconds=mean * (total - ended) / running if mean is not None and running else None,
    )


def _search(study: RecordedStudy) -> str:
    if study.ending or study.answer is None or study.sweep.budget.until is None:
        return study.ending
    return f"goes on: {study.answer} after {counted(study.answer.complete, 'complete trial')}"


def _total(study: RecordedStudy) -> int:
    """Trials that there will be in the end, as ``Study.total`` has it of a study that is driven."""
    sweep, known = study.sweep, dict(study.trials)
    beside = [number for number in known if not number.isdigit()]
    missing = [name for name in outside_the_space(sweep, study.tasks) if name not in known]
    converged = study.answer is not None and study.answer.is_reached and sweep.budget.until is not None
    points = study.begun if converged else trials_of(sweep, study.tasks)
    out = [number for number, trial in study.trials if not trial.state.is_finished()]
    to_come = still_to_come(sweep, study.trials, out, searching=study.begun < points)
    return points + len(beside) + len(missing) + to_come


def _told(front: Sequence[tuple[str, FrozenTrial]], objectives: Sequence[str]) -> tuple[FrontPoint, ...]:
    return tuple(
        FrontPoint(number, dict(zip(objectives, trial.values, strict=True)), dict(trial.params))
        for number, trial in front
    )
