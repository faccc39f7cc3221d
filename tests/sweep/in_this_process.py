"""All trials of a sweep one after the other in this process, as workers train them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.home.episodes import record_episodes
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.result import Result
from nemesis_sweep.sweep.study import TaskStudy
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker.result import read_result
from nemesis_sweep.sweep.worker.trial import open_trial


@dataclass
class Kept:
    """What a trial tells MLflow, kept."""

    epochs: list[int] = field(default_factory=list)

    def log_epoch(self, epoch: int, metrics: Mapping[str, float], *, wait: bool = False) -> None:
        self.epochs.append(epoch)

    def log_files(self, folder: Path, kind: str, also: Sequence[str] = ()) -> None:
        assert (folder / f"{kind}.safetensors").exists()
        assert all((folder / name).exists() for name in also)

    def finish(self, status: str, metrics: Mapping[str, float], *, epoch: int) -> None:
        assert status == "FINISHED"


def run(sweep: Sweep, home: Home) -> list[Result]:
    """Train every trial of every task in this process; the results."""
    home.create()
    record_episodes(sweep, home)
    results = []
    for task in sweep.task_list():
        study = TaskStudy(sweep, task, InMemoryStorage())
        while (proposal := study.next()) is not None:
            record = Kept()
            spec = TrialSpec(
                home=str(home.path),
                task=task,
                number=proposal.number,
                baseline=proposal.baseline,
                params=proposal.params,
                method=proposal.method,
                seeds=tuple(sweep.tasks.seeds),
                eval_every=sweep.search.eval_every,
                threads=1,
                corrupt=sweep.search.corrupt,
            )
            session = open_trial(spec, record)
            while not (told := session.advance()).done:
                pass
            # Without a prompt there is no norm.
            values = [told.metrics.get(metric, 0.0) for metric in sweep.search.objective]
            study.tell(proposal.number, TrialState.COMPLETE, values, 1.0)
            result = read_result(spec.folder)
            assert result is not None
            assert not result.failed_seeds
            assert list(dict.fromkeys(record.epochs)) == list(range(1, result.epochs + 1))
            results.append(result)
    return results
