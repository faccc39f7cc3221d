"""A study: Optuna proposes, judges and remembers; this keeps the bookkeeping around it."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.baselines import CONFIRM, CONTROL, COOP
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.sweep import JOINT, Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.beside import baseline_of, original_of
from nemesis_sweep.sweep.beside_study import BesideStudy
from nemesis_sweep.sweep.confirm import seeds_of
from nemesis_sweep.sweep.control import control_methods
from nemesis_sweep.sweep.convergence import Convergence, ask_again, ending, forget_answer
from nemesis_sweep.sweep.dashboard import name_objectives, show_baselines
from nemesis_sweep.sweep.internals.optuna_names import frozen_of
from nemesis_sweep.sweep.last import missing_last, more_may_be_missing, still_to_come
from nemesis_sweep.sweep.proposal import AGAIN, BASELINE, REASON, RETRIED, SECONDS, TWIN, Proposal
from nemesis_sweep.sweep.proposer import Proposer, begun
from nemesis_sweep.sweep.pruners.registry import build_pruner, needs_replicates
from nemesis_sweep.sweep.pruners.wilcoxon import keep_replicates
from nemesis_sweep.sweep.space.baselines import baseline_method, most_epochs
from nemesis_sweep.sweep.space.planned import epochs_of, limits_of
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec


class Study:
    """An Optuna study over some tasks, and beside it that of the trials which are no points of the space.

    Everything here is in Optuna's storage and nowhere else, so a driver that starts again finds it all.
    """

    def __init__(
        self, sweep: Sweep, key: str, tasks: Sequence[Task], storage: optuna.storages.BaseStorage
    ) -> None:
        self.sweep = sweep
        self.key = key
        self.tasks = tuple(tasks)
        # Where each task begins on the pruner's scale of steps: epochs, counted on from task to task.
        *self.starts, self.steps = accumulate((most_epochs(sweep, task) for task in tasks), initial=0)
        self.objectives = tuple(sweep.search.objective)
        self.objective = self.objectives[0]
        self._limits = limits_of(sweep)
        pruner = build_pruner(
            sweep.search.pruner,
            sweep.search.pruner_options,
            # Not of the baselines, which may be far longer: they are not judged.
            self.starts[-1] + max(epochs_of(sweep, self.tasks[-1])),
            sweep.search.eval_every,
        )
        self.study = optuna.create_study(
            storage=storage,
            study_name=key,
            directions=sweep.search.directions,
            pruner=pruner,
            load_if_exists=True,
        )
        name_objectives(self.study, self.objectives)
        self.beside = BesideStudy(sweep, key, self.tasks, storage)
        self._show_baselines()
        # Not the name: the same task is proposed the same points whatever else is in the sweep.
        origin = JOINT if key == JOINT else self.tasks[0].identity
        self.proposer = Proposer(sweep, origin, self.tasks, self.study)
        self._budget = int(min(sweep.budget.trials, self.proposer.points))
        self._live: dict[str, optuna.Trial] = {}
        self._interrupted: list[Proposal] = []
        self._find_interrupted()
        self._answer: Convergence | None = None
        if sweep.budget.until is None:
            forget_answer(self.study)
        self._ask_whether_converged()

    def next(self, propose: bool = True, begin: bool = True) -> Proposal | None:
        """The next trial: interrupted ones, then baselines, then the sampler's, last the controls
        and the confirmations.

        None when all are out, or when every point of a small space is being trained: ask again later.
        propose: whether the sampler may still be asked; one whose hours are spent only completes its tables.
        begin: whether anything may begin; a sweep with too many failures only ends what it began.
        """
        if self._interrupted:
            return self._interrupted.pop(0)
        if not begin:
            return None
        for baseline in self.beside.missing():
            return self._begin_beside(baseline)
        if propose and (asked := self.proposer.ask()) is not None:
            return self._start(str(asked.number), asked)
        last = self._missing_last()
        return None if last is None else self._begin_beside(last)

    def next_reference(self, baseline: str) -> Proposal | None:
        """A baseline, if it is asked for, neither over nor out, and no point of the space."""
        for proposal in self._interrupted:
            if proposal.number == baseline:
                self._interrupted.remove(proposal)
                return proposal
        return self._begin_beside(baseline) if baseline in self.beside.missing() else None

    def put_back(self, proposal: Proposal) -> None:
        """Take a trial back that nobody works on: it is given out before all others."""
        self._interrupted.insert(0, proposal)

    def _begin_beside(self, number: str) -> Proposal:
        return self._start(number, self.beside.begin(number))

    @property
    def total(self) -> int:
        """Trials that there will be in the end, those beside the space included, as far as it is known now.

        A control is known when all but controls and confirmations is over, and then it is known, too, how
        many confirmations there are.
        """
        searching = self.proposer.may_propose
        beside = self.beside.trials()
        to_come = still_to_come(self.sweep, beside if searching else self.trials(), self._live, searching)
        points = self.proposer.asked if self.proposer.converged else self._budget
        return points + len(beside) + len(self.beside.missing()) + to_come

    @property
    def ending(self) -> str:
        """Why its search asked for no more trials, as ``convergence.ending`` has it; '' where nobody asks."""
        asks = self.sweep.budget.until is not None
        return ending(self.proposer.asked, self._budget, self._answer) if asks else ""

    def has_more(self, propose: bool = True, begin: bool = True) -> bool:
        """Whether :meth:`next` has something left to give, now or when those that run are over."""
        if self._interrupted or not begin:
            return bool(self._interrupted)
        if self.beside.missing() or (propose and self.proposer.may_propose):
            return True
        # Only when the last one is over it is known which trial is the best.
        return more_may_be_missing(self.sweep, self._live) or self._missing_last() is not None

    @property
    def seconds(self) -> float:
        """Time that the trials which are over have run, baselines included."""
        return sum(trial.user_attrs.get(SECONDS, 0.0) for _, trial in self.trials())

    def report(self, number: str, epoch: int, value: float, replicates: Sequence[float] = ()) -> bool:
        """Take an intermediate value; true when the pruner would rather stop this trial.

        replicates: the values whose mean it is. Optuna takes no intermediate values of several objectives.
        """
        trial = self._live[number]
        frozen = frozen_of(trial)
        several = len(self.objectives) > 1
        if several or epoch in frozen.intermediate_values or not math.isfinite(value):
            return False
        if replicates and needs_replicates(self.sweep.search.pruner, self.sweep.search.pruner_options):
            keep_replicates(trial, epoch, list(replicates))
        trial.report(value, epoch)
        # A baseline that is cut short would leave every table without it.
        return not _is_never_pruned(frozen) and trial.should_prune()

    def tell(
        self,
        number: str,
        state: TrialState,
        values: float | Sequence[float] | None,
        seconds: float,
        reason: str = "",
        excess: Mapping[str, float] | None = None,
    ) -> None:
        """Close a trial: COMPLETE with its objectives, PRUNED, or FAIL with the reason.

        excess: of every constraint, by its text; above 0 where a complete trial breaks it.
        """
        trial = self._live.pop(number)
        trial.set_user_attr(SECONDS, seconds)
        if reason or REASON in trial.user_attrs:  # That of a failure before it was tried again.
            trial.set_user_attr(REASON, reason)
        study = trial.study
        limits = {limit.text for limit in self._limits} if study is self.study else set()
        for text, amount in (excess or {}).items() if state == TrialState.COMPLETE else ():
            # All trials of the study keep the constraints over parameters: nothing to learn from those.
            if text not in limits:
                trial.set_constraint(text, amount)
        study.tell(trial, values if state == TrialState.COMPLETE else None, state=state)
        if study is not self.study:
            self._show_baselines()
        elif state == TrialState.COMPLETE:
            self._ask_whether_converged()

    def note(self, number: str, name: str, value: Any) -> None:
        """Keep a fact beside a running trial, as a user attribute."""
        self._live[number].set_user_attr(name, value)

    def noted(self, number: str, name: str) -> Any:
        """A fact beside a running trial; None when there is none of that name."""
        return self._live[number].user_attrs.get(name)

    def trials(self) -> list[tuple[str, FrozenTrial]]:
        """Every trial with its number, the baselines beside the space first."""
        return self.beside.trials() + [(str(trial.number), trial) for trial in self._proposed()]

    def counts(self) -> dict[str, int]:
        """Trials of the study by state, in lower case."""
        counts = dict.fromkeys(("complete", "pruned", "fail", "running"), 0)
        for trial in self._proposed():
            counts[trial.state.name.lower()] += 1
        return counts

    def trial_spec(self, parts: Sequence[TrialSpec]) -> TrialSpec | JointTrialSpec:
        """What a worker is given: the trial of one task, or one trial that has a part for each."""
        (part,) = parts
        return part

    def last_step(self, proposal: Proposal) -> int:
        """The step at which a trial ends that nothing stops."""
        return self.starts[-1] + proposal.methods[-1].epochs

    def place(self, step: int) -> str:
        """Where in a trial a step is, in words."""
        return f"epoch {step}"

    def last_value(self, trial: FrozenTrial) -> tuple[int, float] | None:
        """The last step that a trial reported, and the objective then; None when it reported nothing."""
        if not trial.intermediate_values:
            return None
        step = max(trial.intermediate_values)
        return step, trial.intermediate_values[step]

    def _show_baselines(self) -> None:
        show_baselines(self.study, (trial for _, trial in self.beside.trials()), self.objectives)

    def _start(self, number: str, trial: optuna.Trial) -> Proposal:
        self._live[number] = trial
        return self.proposal(number, trial)

    def proposal(self, number: str, trial: optuna.Trial | FrozenTrial) -> Proposal:
        """What a trial of this study trains."""
        seeds = seeds_of(self.sweep, trial)
        if number == trial.user_attrs.get(BASELINE, ""):
            return Proposal(number, baseline_of(number), {}, self._methods_beside(number), seeds)
        params = trial.params
        methods = tuple(configuration(self.sweep, task, params) for task in self.tasks)
        return Proposal(number, trial.user_attrs.get(BASELINE, ""), params, methods, seeds)

    def _methods_beside(self, number: str) -> tuple[Method, ...]:
        """What a trial beside the space trains: a method of its own, or that of the trial it is made of."""
        made, original = baseline_of(number), original_of(number)
        if made == number or (made == CONFIRM and original == COOP):
            # Plain CoOp is confirmed also where it is no row of the tables.
            return tuple(baseline_method(self.sweep, task, original) for task in self.tasks)
        methods = self.proposal(original, dict(self.trials())[original]).methods
        return control_methods(methods) if made == CONTROL else methods

    def _missing_last(self) -> str | None:
        return missing_last(
            self.sweep,
            self.tasks,
            self.trials(),
            lambda number, trial: self.proposal(number, trial).methods,
            self._live,
        )

    def _ask_whether_converged(self) -> None:
        if self.sweep.budget.until is not None:
            self._answer = ask_again(self.study, self.proposer.seed)
            self.proposer.converged = self._answer is not None and self._answer.is_reached

    def _find_interrupted(self) -> None:
        """Trials that were running when the last driver died go on under their own number."""
        for number, trial in self.beside.interrupted():
            self._interrupted.append(self._start(number, trial))
        for proposed, frozen in self.proposer.interrupted:
            self._take_up(proposed, frozen)

    def _take_up(self, trial: optuna.Trial, frozen: FrozenTrial) -> None:
        proposal = self._start(str(frozen.number), trial)
        if self._was_hopeless(trial, frozen):
            reason = "pruned; the driver died before it was told"
            self.tell(proposal.number, TrialState.PRUNED, None, 0.0, reason)
        else:
            self._interrupted.append(proposal)

    def _was_hopeless(self, trial: optuna.Trial, frozen: FrozenTrial) -> bool:
        """Whether the last driver died between a report and the pruner's verdict on it."""
        if RETRIED in frozen.user_attrs or _is_never_pruned(frozen):
            return False
        return bool(frozen.intermediate_values) and trial.should_prune()

    def _proposed(self) -> list[FrozenTrial]:
        """The trials of the space that ran, or run."""
        return [trial for trial in begun(self.study) if TWIN not in trial.user_attrs]


def _is_never_pruned(trial: FrozenTrial) -> bool:
    return bool(trial.user_attrs.get(BASELINE)) or AGAIN in trial.user_attrs


class TaskStudy(Study):
    """The study of one task."""

    def __init__(self, sweep: Sweep, task: Task, storage: optuna.storages.BaseStorage) -> None:
        super().__init__(sweep, task.key, [task], storage)
