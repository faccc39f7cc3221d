"""Asks Optuna for points of the space: given ones first, no two alike, none against a constraint."""

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.baselines import PAPER
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.internals.optuna_names import FIXED_PARAMS, frozen_of, id_of
from nemesis_sweep.sweep.proposal import BASELINE, REASON, TWIN
from nemesis_sweep.sweep.samplers.trial_sampler import TrialSampler
from nemesis_sweep.sweep.space.baselines import paper_point
from nemesis_sweep.sweep.space.distinct import another_point, running
from nemesis_sweep.sweep.space.planned import keeps, limits_of, room
from nemesis_sweep.sweep.space.point_key import Key, key_of
from nemesis_sweep.sweep.space.proposals import suggest, within


def begun(study: optuna.Study) -> list[FrozenTrial]:
    """The trials of a study that are not only enqueued."""
    states = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    return study.get_trials(deepcopy=False, states=states)


class Proposer:
    """Makes the trials of one Optuna study.

    origin: what tells the study from others, for the sampler's seed. study: that of the points alone; its
    sampler is set anew for every trial.
    interrupted: the trials that were running when the last driver died, each as a trial to go on with and as
    it was then.
    """

    def __init__(self, sweep: Sweep, origin: str, tasks: Sequence[Task], study: optuna.Study) -> None:
        self.sweep = sweep
        self.tasks = tuple(tasks)
        self.study = study
        self.points = room(sweep, tasks)
        """Different trials that there can be."""
        self._key = key_of(sweep, tasks)
        self._tried: dict[Key, int] = {}
        """Every point that was proposed, with the number of its first trial."""
        self._sampler = TrialSampler(sweep, origin, self.keeps, self._tried, self._key)
        self._enqueue_points()
        for trial in begun(study):
            if TWIN not in trial.user_attrs and trial.state != TrialState.RUNNING:
                self._note(trial)
        self.interrupted = [found for frozen in running(study) if (found := self._again(frozen))]
        # Counted once: only this process asks.
        known = begun(study)
        self._numbered = len(known)
        self.asked = sum(TWIN not in trial.user_attrs for trial in known)
        """Trials of the budget that have begun, in this run or an earlier one."""
        self.converged = False
        """Whether no more are wanted, though there is budget left."""

    def ask(self) -> optuna.Trial | None:
        """The next trial; None when the budget is out or every point of the space was tried."""
        while self.may_propose:
            self.study.sampler = self._sampler.of(self._numbered)
            trial = self.study.ask()
            self._numbered += 1
            suggest(trial, self.sweep.space)
            if self._dropped_as_twin(trial):
                continue
            self.asked += 1
            if self.keeps(trial.params):
                return trial
            self._refuse(trial)
        return None

    @property
    def may_propose(self) -> bool:
        """Whether budget is left, and points of the space that were not tried."""
        return self.asked < self.sweep.budget.trials and not self.space_is_done and not self.converged

    @property
    def space_is_done(self) -> bool:
        """Whether every point of a finite space was tried, those whose trial failed or runs among them."""
        return len(self._tried) >= self.points

    def seed(self, what: str) -> int:
        """A seed for another purpose than a proposal."""
        return self._sampler.seed(what)

    def keeps(self, params: Values) -> bool:
        """Whether a point keeps the constraints over parameters."""
        return keeps(self.sweep, self.tasks, params)

    def _enqueue_points(self) -> None:
        """Put the paper's setting and the user's points in front; those that are known are left alone.

        At every start: the driver may have died between two of them.
        """
        paper = paper_point(self.sweep, self.tasks)
        if PAPER in self.sweep.search.baselines and paper is not None and self.sweep.budget.trials > 0:
            self.study.enqueue_trial(paper, user_attrs={BASELINE: PAPER}, skip_if_exists=True)
        for point in self.sweep.search.points:
            self.study.enqueue_trial(dict(point), skip_if_exists=True)

    def _again(self, frozen: FrozenTrial) -> tuple[optuna.Trial, FrozenTrial] | None:
        """A running trial to go on with, all of its parameters proposed; None when it had none of its own."""
        self.study.sampler = self._sampler.of(frozen.number)
        trial = optuna.Trial(self.study, id_of(frozen))
        suggest(trial, self.sweep.space)
        if not self.keeps(trial.params):
            self._refuse(trial)
            return None
        return None if self._dropped_as_twin(trial) else (trial, frozen)

    def _note(self, trial: optuna.Trial | FrozenTrial) -> None:
        """Count a point as tried; what breaks a constraint never was one."""
        if within(self.sweep.space, trial.params) is not None and self.keeps(trial.params):
            key = self._key(trial.params)
            self._tried[key] = min(trial.number, self._tried.get(key, trial.number))

    def _dropped_as_twin(self, trial: optuna.Trial) -> bool:
        """Whether an earlier trial trains the same; another point then takes the place of a proposal."""
        other = self._tried.get(self._key(trial.params), trial.number)
        # The paper's setting is a row of every table, also where it was asked for later.
        if other >= trial.number or BASELINE in trial.user_attrs:
            self._note(trial)
            return False
        given = FIXED_PARAMS in frozen_of(trial).system_attrs
        instead = another_point(self.sweep.space, self._sampler.will_do, self._sampler.seed(trial.number))
        if instead is None and not given:
            return False
        trial.set_user_attr(TWIN, other)
        self.study.tell(trial, state=TrialState.FAIL)
        if instead is not None and not given:
            self.study.enqueue_trial(instead)
        return True

    def _refuse(self, trial: optuna.Trial) -> None:
        """End a trial for which no point was found; it counts against the budget, so that there is an end."""
        broken = " and ".join(limit.text for limit in limits_of(self.sweep))
        trial.set_user_attr(REASON, f"no proposal kept {broken}")
        self.study.tell(trial, state=TrialState.FAIL)
