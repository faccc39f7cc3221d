"""The Optuna study of the trials that are no points of the space: baselines, controls and confirmations.

They are apart from those of the space because a trial without the searched parameters would empty the space
that Optuna's samplers infer from the trials they see.
"""

from collections.abc import Iterator, Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.baselines import CONFIRM
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.beside import baseline_of
from nemesis_sweep.sweep.dashboard import name_objectives
from nemesis_sweep.sweep.internals.optuna_names import id_of
from nemesis_sweep.sweep.proposal import BASELINE, SEEDS
from nemesis_sweep.sweep.space.baselines import outside_the_space
from nemesis_sweep.sweep.space.distinct import running


def baselines_of(key: str) -> str:
    """Name of the study beside that of this name."""
    return f"{key}/baselines"


class BesideStudy:
    """The trials beside the space of a study; each has its number as a user attribute."""

    def __init__(
        self, sweep: Sweep, key: str, tasks: Sequence[Task], storage: optuna.storages.BaseStorage
    ) -> None:
        self.study = optuna.create_study(
            storage=storage,
            study_name=baselines_of(key),
            directions=sweep.search.directions,
            pruner=optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
        name_objectives(self.study, sweep.search.objective)
        self._confirm_seeds = list(sweep.confirm_seeds)
        self._baselines = outside_the_space(sweep, tasks)

    def trials(self) -> list[tuple[str, FrozenTrial]]:
        """Those that began, with their numbers."""
        trials = self.study.get_trials(deepcopy=False)
        return [(trial.user_attrs[BASELINE], trial) for trial in trials if BASELINE in trial.user_attrs]

    def missing(self) -> list[str]:
        """The baselines that are asked for and did not begin."""
        known = {number for number, _ in self.trials()}
        return [baseline for baseline in self._baselines if baseline not in known]

    def begin(self, number: str) -> optuna.Trial:
        """A new trial of this number."""
        trial = self.study.ask()
        if baseline_of(number) == CONFIRM:
            trial.set_user_attr(SEEDS, self._confirm_seeds)
        # Last: one without a name never began.
        trial.set_user_attr(BASELINE, number)
        return trial

    def interrupted(self) -> Iterator[tuple[str, optuna.Trial]]:
        """Those that were running when the last driver died, with their numbers."""
        for frozen in running(self.study):
            trial = optuna.Trial(self.study, id_of(frozen))
            if BASELINE in frozen.user_attrs:
                yield frozen.user_attrs[BASELINE], trial
            else:  # Died between asking and naming it: it never began.
                self.study.tell(trial, state=TrialState.FAIL)
