"""One task's study: Optuna proposes, judges and remembers; this keeps the bookkeeping around it."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.search import direction
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.assignment import PAPER
from nemesis_sweep.sweep.baselines import baseline_method, outside_the_space, paper_point
from nemesis_sweep.sweep.proposals import suggest
from nemesis_sweep.sweep.pruners import build_pruner
from nemesis_sweep.sweep.samplers import build_sampler

BASELINE, SECONDS, REASON = "baseline", "seconds", "reason"
"""User attributes of a trial."""


@dataclass(frozen=True)
class Proposal:
    """A trial to run: its number (a baseline's name when it stands beside the space) and what it trains."""

    number: str
    baseline: str
    params: Mapping[str, Any]
    method: Method


def baselines_of(task: Task) -> str:
    """Name of the study that holds a task's baselines beside the space."""
    return f"{task.key}/baselines"


class TaskStudy:
    """The Optuna study of one task, and beside it one of the baselines that are not points of the space.

    They are apart because a trial without the searched parameters would empty the space that Optuna's
    samplers infer from the trials they see. Everything here is in Optuna's storage and nowhere else,
    so a driver that starts again finds it all.
    """

    def __init__(self, sweep: Sweep, task: Task, storage: optuna.storages.BaseStorage) -> None:
        self.sweep = sweep
        self.task = task
        self.objective = sweep.search.objective[0]
        pruner = build_pruner(
            sweep.search.pruner,
            sweep.search.pruner_options,
            self._longest(),
            sweep.search.eval_every,
        )
        self.study = optuna.create_study(
            storage=storage,
            study_name=task.key,
            direction=direction(self.objective),
            pruner=pruner,
            load_if_exists=True,
        )
        self.beside = optuna.create_study(
            storage=storage,
            study_name=baselines_of(task),
            direction=direction(self.objective),
            pruner=optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
        self._live: dict[str, optuna.Trial] = {}
        self._interrupted: list[Proposal] = []
        self._enqueue_points()
        self._find_interrupted()

    def next(self, propose: bool = True) -> Proposal | None:
        """The next trial: interrupted ones, then baselines, then the sampler's; None when all are out.

        propose: whether the sampler may still be asked; a sweep whose hours are spent ends what it began.
        """
        if self._interrupted:
            return self._interrupted.pop(0)
        known = {trial.user_attrs[BASELINE] for trial in self._trials(self.beside)}
        for baseline in outside_the_space(self.sweep, self.task):
            if baseline not in known:
                trial = self.beside.ask()
                trial.set_user_attr(BASELINE, baseline)
                return self._start(baseline, trial)
        if not propose or self.asked >= self.sweep.budget.trials:
            return None
        self.study.sampler = self._sampler(self.asked)
        trial = self.study.ask()
        suggest(trial, self.sweep.space)
        return self._start(str(trial.number), trial)

    @property
    def total(self) -> int:
        """Trials that there will be in the end, the baselines beside the space included."""
        return self.sweep.budget.trials + len(outside_the_space(self.sweep, self.task))

    def has_more(self, propose: bool = True) -> bool:
        """Whether :meth:`next` has something left to give."""
        known = {trial.user_attrs[BASELINE] for trial in self._trials(self.beside)}
        missing = set(outside_the_space(self.sweep, self.task)) - known
        return bool(self._interrupted or missing) or (propose and self.asked < self.sweep.budget.trials)

    @property
    def seconds(self) -> float:
        """Time that the trials which are over have run, baselines included."""
        return sum(trial.user_attrs.get(SECONDS, 0.0) for _, trial in self.trials())

    def report(self, number: str, epoch: int, value: float) -> bool:
        """Take an intermediate value; true when the pruner would rather stop this trial."""
        trial = self._live[number]
        frozen = self._frozen(trial)
        if epoch in frozen.intermediate_values or not math.isfinite(value):
            return False
        trial.report(value, epoch)
        # A baseline that is cut short would leave every table without it.
        return not frozen.user_attrs.get(BASELINE) and trial.should_prune()

    def tell(
        self, number: str, state: TrialState, value: float | None, seconds: float, reason: str = ""
    ) -> None:
        """Close a trial: COMPLETE with its value, PRUNED, or FAIL with the reason."""
        trial = self._live.pop(number)
        trial.set_user_attr(SECONDS, seconds)
        if reason:
            trial.set_user_attr(REASON, reason)
        study = self.beside if number in outside_the_space(self.sweep, self.task) else self.study
        study.tell(trial, value if state == TrialState.COMPLETE else None, state=state)

    @property
    def asked(self) -> int:
        """Trials of the budget that have begun, in this run or an earlier one."""
        begun = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return len(self.study.get_trials(deepcopy=False, states=begun))

    def trials(self) -> list[tuple[str, FrozenTrial]]:
        """Every trial with its number, the baselines beside the space first."""
        beside = [(trial.user_attrs[BASELINE], trial) for trial in self._trials(self.beside)]
        return beside + [(str(trial.number), trial) for trial in self._trials(self.study)]

    def counts(self) -> dict[str, int]:
        """Trials of the study by state, in lower case."""
        counts = dict.fromkeys(("complete", "pruned", "fail", "running"), 0)
        for trial in self._trials(self.study):
            counts[trial.state.name.lower()] += 1
        return counts

    def _start(self, number: str, trial: optuna.Trial) -> Proposal:
        self._live[number] = trial
        baseline = trial.user_attrs.get(BASELINE, "")
        if number == baseline:
            return Proposal(number, baseline, {}, baseline_method(self.sweep, self.task, baseline))
        params = trial.params
        return Proposal(number, baseline, params, configuration(self.sweep, self.task, params))

    def _enqueue_points(self) -> None:
        """Put the paper's setting and the user's points in front, once in the life of the study."""
        if self.study.get_trials(deepcopy=False):
            return
        paper = paper_point(self.sweep, self.task)
        if PAPER in self.sweep.search.baselines and paper is not None and self.sweep.budget.trials > 0:
            self.study.enqueue_trial(paper, user_attrs={BASELINE: PAPER})
        for point in self.sweep.search.points:
            self.study.enqueue_trial(dict(point), skip_if_exists=True)

    def _find_interrupted(self) -> None:
        """Trials that were running when the last driver died go on under their own number."""
        for study in (self.beside, self.study):
            for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                trial = optuna.Trial(study, frozen._trial_id)
                if study is self.study:
                    study.sampler = self._sampler(frozen.number)
                    suggest(trial, self.sweep.space)
                elif BASELINE not in frozen.user_attrs:
                    # Died between asking and naming the baseline: it never began.
                    study.tell(trial, state=TrialState.FAIL)
                    continue
                number = str(frozen.number) if study is self.study else frozen.user_attrs[BASELINE]
                self._interrupted.append(self._start(number, trial))
                if self._was_hopeless(trial, frozen):
                    self._interrupted.pop()
                    self.tell(
                        number, TrialState.PRUNED, None, 0.0, "pruned; the driver died before it was told"
                    )

    def _was_hopeless(self, trial: optuna.Trial, frozen: FrozenTrial) -> bool:
        """Whether the last driver died between a report and the pruner's verdict on it."""
        return (
            bool(frozen.intermediate_values) and not frozen.user_attrs.get(BASELINE) and trial.should_prune()
        )

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        """A sampler whose seed depends on the sweep's seed, the task and the trial, not on what ran before.

        So a sweep that was interrupted proposes what it would have proposed without the interruption.
        """
        text = f"{self.sweep.search.seed}:{self.task.key}:{number}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        return build_sampler(self.sweep.search.sampler, self.sweep.search.sampler_options, seed)

    def _longest(self) -> int:
        return baseline_method(self.sweep, self.task, PAPER).epochs

    def _trials(self, study: optuna.Study) -> list[FrozenTrial]:
        started = [trial for trial in study.get_trials(deepcopy=False) if trial.state != TrialState.WAITING]
        return [trial for trial in started if study is self.study or BASELINE in trial.user_attrs]

    def _frozen(self, trial: optuna.Trial) -> FrozenTrial:
        return trial.study._storage.get_trial(trial._trial_id)
