"""How far a sweep is, read from its home while it runs or afterwards; nothing is written."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.search import PROMPTLESS, direction
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.baselines import outside_the_space
from nemesis_sweep.sweep.driver import driver
from nemesis_sweep.sweep.home import Home
from nemesis_sweep.sweep.simulated_home import is_simulated
from nemesis_sweep.sweep.study import BASELINE, SECONDS, TWIN, baselines_of


@dataclass(frozen=True)
class StudyStatus:
    """Trials of one study by state, its baselines included, and the best of them (zero-shot aside).

    task: name of the study: its task's, or `joint`.

    eta_seconds: trials left times the mean time of one, over the trials that run at once; None when nothing
    has ended yet or nothing runs.
    """

    task: str
    total: int
    complete: int
    running: int
    pruned: int
    failed: int
    best_value: float | None
    best_params: dict[str, Any]
    best_trial: str
    trial_seconds: float | None
    eta_seconds: float | None


@dataclass(frozen=True)
class SweepStatus:
    """A sweep's studies, and the process that drives it (None: nobody does) with the machine it runs on.

    simulated: whether nothing of it was trained.
    """

    name: str
    simulated: bool
    home: str
    objective: str
    driver: int | None
    driver_host: str
    studies: tuple[StudyStatus, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def sweep_status(home: Home) -> SweepStatus:
    """Read the status. Raises ``UserError`` when the folder holds no sweep."""
    if not home.sweep_file.exists() or not home.journal.exists():
        raise UserError(Problem("no sweep in this folder", key="HOME", found=str(home.path)))
    sweep = load_sweep(home.sweep_file)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(home.journal)))
    names = set(optuna.get_all_study_names(storage))
    studies = tuple(_study(sweep, key, tasks, storage, names) for key, tasks in sweep.studies().items())
    at_work = driver(home)
    return SweepStatus(
        name=sweep.name,
        simulated=is_simulated(home.path),
        home=str(home.path),
        objective=sweep.search.objective[0],
        driver=at_work.process if at_work else None,
        driver_host=at_work.host if at_work else "",
        studies=studies,
    )


def _study(
    sweep: Sweep, key: str, tasks: list[Task], storage: JournalStorage, names: set[str]
) -> StudyStatus:
    trials: list[tuple[str, FrozenTrial]] = []
    for name in (baselines_of(key), key):
        if name in names:
            found = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
            began = [trial for trial in found if TWIN not in trial.user_attrs]
            trials += [(_number(trial, name == key), trial) for trial in began]
    states = Counter(trial.state for _, trial in trials)
    total = sweep.budget.trials + len(outside_the_space(sweep, tasks))
    seconds = [trial.user_attrs[SECONDS] for _, trial in trials if SECONDS in trial.user_attrs]
    mean = sum(seconds) / len(seconds) if seconds else None
    running = states[TrialState.RUNNING]
    ended = states[TrialState.COMPLETE] + states[TrialState.PRUNED] + states[TrialState.FAIL]
    number, best = _best(trials, direction(sweep.search.objective[0]) == "maximize")
    return StudyStatus(
        task=key,
        total=total,
        complete=states[TrialState.COMPLETE],
        running=running,
        pruned=states[TrialState.PRUNED],
        failed=states[TrialState.FAIL],
        best_value=None if best is None else best.value,
        best_params={} if best is None else dict(best.params),
        best_trial=number,
        trial_seconds=mean,
        eta_seconds=mean * (total - ended) / running if mean is not None and running else None,
    )


def _number(trial: FrozenTrial, in_space: bool) -> str:
    return str(trial.number) if in_space else trial.user_attrs.get(BASELINE, "")


def _best(trials: list[tuple[str, FrozenTrial]], maximize: bool) -> tuple[str, FrozenTrial | None]:
    complete = [
        (number, trial)
        for number, trial in trials
        if trial.state == TrialState.COMPLETE and trial.value is not None and number not in PROMPTLESS
    ]
    sign = -1 if maximize else 1
    return min(complete, key=lambda pair: sign * (pair[1].value or 0.0), default=("", None))
