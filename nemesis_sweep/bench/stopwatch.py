"""A watcher of sweeps that only looks at the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass

from nemesis_sweep.bench.timing import Say
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.sweep.best import Candidate
from nemesis_sweep.sweep.watcher import Unmoved


@dataclass(frozen=True)
class End:
    """The end of a trial: its study and number, wall time and processor time of this process, in seconds."""

    study: str
    number: str
    wall: float
    cpu: float


class Stopwatch(Unmoved):
    """When each trial ended. The first of :attr:`ends` is the beginning, which is no trial's."""

    def __init__(self, trials: int, say: Say, every: int) -> None:
        self._trials, self._say, self._every = trials, say, every
        self.begin()

    def begin(self) -> None:
        self.ends = [End("", "", time.perf_counter(), time.process_time())]

    def say(self, line: str) -> None:
        self._say(line)

    def trial_finished(
        self,
        study: str,
        number: str,
        state: str,
        value: float | None,
        seconds: float,
        reason: str = "",
        candidate: Candidate | None = None,
    ) -> None:
        self.ends.append(End(study, number, time.perf_counter(), time.process_time()))
        done = len(self.ends) - 1
        if done % self._every == 0:
            self._say(f"{done} of {counted(self._trials, 'trial')}, {self.between(0, done)[0]:.0f} s")

    def between(self, first: int, last: int) -> tuple[float, float]:
        """Wall and processor seconds between two ends."""
        one, other = self.ends[first], self.ends[last]
        return other.wall - one.wall, other.cpu - one.cpu
