"""While trials run: workers that are stopped, silent, or not there at all are told and replaced."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ray
from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial

from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.cluster.lost import LostClusterError
from nemesis_sweep.sweep.cluster.processes import STOPPED, Process, end_all
from nemesis_sweep.sweep.cluster.ray_session import RaySession, nodes_there
from nemesis_sweep.sweep.cluster.shares import concurrent
from nemesis_sweep.sweep.searcher import Unsaved
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec, read_trial_spec
from nemesis_sweep.sweep.worker.encoding_log import encoding_log

EVERY, LONGEST = 1.0, 3.0
"""Seconds between two looks, and the most that counts as passed between them: this process may be stopped."""

TOLD, REPLACED = 10.0, 30.0
"""Seconds after which a worker that a signal has stopped is told, and replaced."""

NOBODY = 60.0
"""Seconds that trials wait for a worker while none is at work."""


class Attendance(Unsaved, Callback):
    """Asked by Tune at each of its steps; :class:`Enough` ends the sweep by what is seen here."""

    def __init__(
        self, broker: TrialBroker, session: RaySession, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.running: list[Trial] | None = None
        self._broker, self._session, self._clock = broker, session, clock
        self._looked = clock()
        self._signs: dict[str, object] = {}
        self._silent: dict[str, float] = {}
        self._specs: dict[str, TrialSpec | JointTrialSpec] = {}
        self._stopped: dict[Process, float] = {}
        self._nobody = 0.0

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        passed = self._clock() - self._looked
        if passed < EVERY:
            return
        self._looked += passed
        passed = min(passed, LONGEST)
        self.running = [trial for trial in trials if trial.status == Trial.RUNNING]
        self._look_for_stopped(passed)
        self._look_for_silent(passed)
        pending = any(trial.status == Trial.PENDING for trial in trials)
        self._look_for_anybody(passed, pending and not self.running)

    def _look_for_stopped(self, passed: float) -> None:
        """Workers of our own cluster that somebody has stopped with a signal."""
        now = [worker for worker in self._session.workers() if worker.state == STOPPED]
        self._stopped = {worker: self._stopped.get(worker, 0.0) + passed for worker in now}
        for worker, seconds in self._stopped.items():
            if seconds > REPLACED or (self._broker.stopping and seconds > EVERY):
                self._say(f"worker process {worker.pid} was stopped by a signal; it is replaced")
                end_all([worker])
            elif seconds > TOLD >= seconds - passed:
                self._say(
                    f"worker process {worker.pid} is stopped by a signal; unless it goes on, "
                    f"it is replaced in {REPLACED - TOLD:.0f} s"
                )

    def _look_for_silent(self, passed: float) -> None:
        """Workers that have neither reported nor written anything for the time that the sweep file allows."""
        limit = self._broker.sweep.resources.timeout
        running = self.running or []
        self._silent = {trial.trial_id: self._silent.get(trial.trial_id, 0.0) for trial in running}
        self._specs = {name: spec for name, spec in self._specs.items() if name in self._silent}
        if limit is None:
            return
        for trial in running:
            sign = self._sign(trial)
            if sign != self._signs.get(trial.trial_id):
                self._signs[trial.trial_id] = sign
                self._silent[trial.trial_id] = 0.0
                continue
            before = self._silent[trial.trial_id]
            now = self._silent[trial.trial_id] = before + passed
            owner = self._spec(trial).owner
            name = f"{owner.study} trial {owner.number}"
            if now > limit:
                self._say(f"{name}: no report for {limit:g} s (resources.timeout); its worker is replaced")
                self._silent[trial.trial_id] = 0.0
                ray.kill(trial.temporary_state.ray_actor)
            elif now > limit / 2 >= before:
                self._say(f"{name}: no report for {now:.0f} s; its worker is replaced after {limit:g} s")

    def _spec(self, trial: Trial) -> TrialSpec | JointTrialSpec:
        """What a trial was given; read once, for it is looked at every second."""
        if trial.trial_id not in self._specs:
            self._specs[trial.trial_id] = read_trial_spec(trial.config)
        return self._specs[trial.trial_id]

    def _sign(self, trial: Trial) -> object:
        """Whatever changes as long as a trial gets on."""
        folder = self._spec(trial).folder
        written = (*folder.rglob("*"), encoding_log(self._broker.home.path))
        return trial.last_result.get("training_iteration"), _newest(written)

    def _look_for_anybody(self, passed: float, waiting: bool) -> None:
        """Whether there will ever be a worker for trials that wait while none is at work."""
        self._nobody = self._nobody + passed if waiting else 0.0
        if self._nobody <= NOBODY:
            return
        self._nobody = 0.0
        if self._session.own:
            raise LostClusterError(f"no worker has come up for {NOBODY:.0f} s")
        if not concurrent(self._broker.resources, nodes_there()):
            raise LostClusterError(
                f"none of its nodes has had room for a trial for {NOBODY:.0f} s", self._session.address
            )

    def _say(self, line: str) -> None:
        self._broker.progress.say(line)


class Enough(Unsaved, Stopper):
    """Ends a sweep that is told to stop as soon as no trial runs whose report could be waited for."""

    def __init__(self, broker: TrialBroker, attendance: Attendance) -> None:
        self._broker, self._attendance = broker, attendance

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._broker.stopping and self._attendance.running == []


def _newest(paths: Iterable[Path]) -> int:
    """When the last of these was written; a file may vanish meanwhile."""
    newest = 0
    for path in paths:
        try:
            newest = max(newest, path.stat().st_mtime_ns)
        except OSError:
            continue
    return newest
