"""How far a sweep is, read from its home while it runs or afterwards; nothing is written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.search import PROMPTLESS
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.front import best_trial, best_trials
from nemesis_sweep.sweep.home.driver import driver
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.simulated import is_simulated
from nemesis_sweep.sweep.proposal import BASELINE, SECONDS, TWIN
from nemesis_sweep.sweep.quiet_optuna import quiet_optuna
from nemesis_sweep.sweep.space.baselines import outside_the_space
from nemesis_sweep.sweep.space.planned import trials_of
from nemesis_sweep.sweep.storage.choice import has_trials, stored
from nemesis_sweep.sweep.study import baselines_of


@dataclass(frozen=True)
class StudyStatus:
    """Trials of one study by state, its baselines included, and the best of them (zero-shot aside).

    task: name of the study: its task's, or `joint`.

    What breaks a constraint is never the best. front: of several objectives the trials that no other beats,
    each with `trial`, `values` by metric and `params`; best_value and best_params are then those of the best
    by the first objective. Empty for one objective.

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
    best_params: dict[str, Any]
    best_trial: str
    front: tuple[dict[str, Any], ...]
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
    objectives: tuple[str, ...]
    constraints: tuple[str, ...]
    driver: int | None
    driver_host: str
    studies: tuple[StudyStatus, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def sweep_status(home: Home) -> SweepStatus:
    """Read the status. Raises ``UserError`` when the folder holds no sweep."""
    if not has_trials(home):
        raise UserError(Problem("no sweep in this folder", key="HOME", found=str(home.path)))
    sweep = load_sweep(home.sweep_file)
    quiet_optuna()
    storage = stored(home)
    names = set(optuna.get_all_study_names(storage))
    studies = tuple(_study(sweep, key, tasks, storage, names) for key, tasks in sweep.studies().items())
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
        studies=studies,
    )


def _study(
    sweep: Sweep, key: str, tasks: list[Task], storage: optuna.storages.BaseStorage, names: set[str]
) -> StudyStatus:
    trials: list[tuple[str, FrozenTrial]] = []
    for name in (baselines_of(key), key):
        if name in names:
            found = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
            began = [trial for trial in found if TWIN not in trial.user_attrs]
            trials += [(_number(trial, name == key), trial) for trial in began]
    states = Counter(trial.state for _, trial in trials)
    total = trials_of(sweep, tasks) + len(outside_the_space(sweep, tasks))
    # Those that train nothing take no time: they would promise an end that does not come.
    trained = [trial for number, trial in trials if number not in PROMPTLESS]
    seconds = [trial.user_attrs[SECONDS] for trial in trained if SECONDS in trial.user_attrs]
    mean = sum(seconds) / len(seconds) if seconds else None
    running = states[TrialState.RUNNING]
    ended = states[TrialState.COMPLETE] + states[TrialState.PRUNED] + states[TrialState.FAIL]
    several = len(sweep.search.objective) > 1
    front = best_trials(trials, sweep.search.directions) if several else []
    number, best = best_trial(trials, sweep.search.directions) or ("", None)
    return StudyStatus(
        task=key,
        total=max(total, ended + running),  # A control is known only when everything else is over.
        complete=states[TrialState.COMPLETE],
        running=running,
        pruned=states[TrialState.PRUNED],
        failed=states[TrialState.FAIL],
        best_value=None if best is None else best.values[0],
        best_params={} if best is None else dict(best.params),
        best_trial=number,
        front=_told(front, sweep.search.objective),
        trial_seconds=mean,
        eta_seconds=mean * (total - ended) / running if mean is not None and running else None,
    )


def _number(trial: FrozenTrial, in_space: bool) -> str:
    return str(trial.number) if in_space else trial.user_attrs.get(BASELINE, "")


def _told(front: list[tuple[str, FrozenTrial]], objectives: Sequence[str]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "trial": number,
            "values": dict(zip(objectives, trial.values, strict=True)),
            "params": dict(trial.params),
        }
        for number, trial in front
    )
