"""Ray Tune's side of asking and telling: thin, the broker decides."""

from collections import deque
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.cluster.supervisor import RESULT, tell
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.trial_spec import Config


class Unsaved:
    """Tune writes its searcher and scheduler to disk; ours leave nothing there.

    The state of the search is Optuna's storage, and a second copy could only contradict it.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {}


class BrokerSearcher(Unsaved, Searcher):
    """Asks the broker for trials and tells it how they ended."""

    def __init__(self, broker: TrialBroker) -> None:
        super().__init__()
        self.broker = broker

    def suggest(self, trial_id: str) -> Config | str | None:
        config = self.broker.next(trial_id)
        if config is None and not self.broker.has_more:
            return Searcher.FINISHED
        return config

    def on_trial_complete(self, trial_id: str, result: dict | None = None, error: bool = False) -> None:
        self.broker.complete(trial_id, Report.from_tune(result) if result else None, failed=error)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


class BrokerScheduler(Unsaved, FIFOScheduler):
    """Stops a trial as soon as Optuna's pruner says so."""

    def __init__(self, broker: TrialBroker) -> None:
        super().__init__()
        self.broker = broker
        self._queue: deque[Trial] = deque()

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        self._queue.append(trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """First come, first served; Tune's own looks through all trials of the sweep at every step."""
        while self._queue and self._queue[0].status != Trial.PENDING:
            self.broker.began(self._queue.popleft().trial_id)
        return self._queue[0] if self._queue else None

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict) -> str:
        tell(RESULT)
        stop = self.broker.report(trial.trial_id, Report.from_tune(result))
        return TrialScheduler.STOP if stop else TrialScheduler.CONTINUE

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        # Tune calls this for an error that it will retry, too; the searcher hears only of the last one.
        self.broker.note_error(trial.trial_id, Path(trial.error_file) if trial.error_file else None)
