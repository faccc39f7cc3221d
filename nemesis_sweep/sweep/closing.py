"""What became of a trial is told in Optuna first, then in MLflow, then to the person who watches."""

import math
from collections.abc import Callable
from pathlib import Path

from optuna.trial import TrialState

from nemesis_sweep.spec.search import Search
from nemesis_sweep.sweep.beside import may_be_best
from nemesis_sweep.sweep.best import LOSS, Candidate, candidate
from nemesis_sweep.sweep.convergence import ERROR, standard_error
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.proposal import Proposal
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.study import Study
from nemesis_sweep.sweep.trial_end import TrialEnd
from nemesis_sweep.sweep.trial_words import TrialWords
from nemesis_sweep.sweep.watcher import Progress
from nemesis_sweep.tracking.sweep_run import STATUS
from nemesis_sweep.tracking.trial_run import close_trial, tell_of_trial


class Closing:
    """Closes the trials of a sweep. follow: told the folder of one whose run in MLflow is to be sent."""

    def __init__(
        self, search: Search, home: Home, progress: Progress, follow: Callable[[Path], None]
    ) -> None:
        self._search, self._home, self._progress, self._follow = search, home, progress, follow

    def close(self, study: Study, proposal: Proposal, last: Report, ended: TrialEnd, seconds: float) -> None:
        """Tell everyone what became of a trial that ran for so many seconds. last: its last report."""
        complete = ended.state == TrialState.COMPLETE
        contender = self._keep_figures(study, proposal, last, ended) if complete else None
        before = study.proposer.converged
        study.tell(
            proposal.number, ended.state, ended.judged.values, seconds, ended.reason, ended.judged.excess
        )
        if study.proposer.converged and not before:
            self._progress.say(f"{study.key}: the search {study.ending}")
        if not complete:
            name = ended.state.name
            close_trial(self._home.trial(study.key, proposal.number), STATUS[name], ended.reason, name)
        self._describe(study, proposal, last, ended)
        value = ended.judged.values[0]
        told = value if math.isfinite(value) else None
        self._progress.trial_finished(
            study.key, proposal.number, ended.state.name, told, seconds, ended.reason, contender
        )

    def _keep_figures(
        self, study: Study, proposal: Proposal, last: Report, ended: TrialEnd
    ) -> Candidate | None:
        """Keep beside a complete trial what the choice of the best and the end of the search ask for; the
        trial as a candidate, None where it cannot be the best."""
        values = ended.judged.values
        replicates = last.replicates.get(study.objective, ())
        study.report(proposal.number, last.epoch, values[0], replicates)
        loss = last.metrics.get(LOSS, math.nan)
        known = loss if math.isfinite(loss) else None
        if known is not None:
            study.note(proposal.number, LOSS, known)
        deviation = standard_error(replicates)
        if deviation is not None:
            study.note(proposal.number, ERROR, deviation)
        if ended.reason or not may_be_best(proposal.number):
            return None
        return candidate(proposal.number, values, self._search.directions, known, proposal.baseline)

    def _describe(self, study: Study, proposal: Proposal, last: Report, ended: TrialEnd) -> None:
        """Give the trial's run in MLflow the name and the description of what became of it."""
        folder = self._home.trial(study.key, proposal.number)
        words = TrialWords(
            study.key, proposal.number, proposal.baseline, proposal.params, study.objectives, last.measured,
            last.replicates, ended.state.name, ended.reason,
        )  # fmt: skip
        if tell_of_trial(folder, words.name, words.note):
            self._follow(folder)
