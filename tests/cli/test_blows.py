"""Sweeps of 16 trials on Ray clusters of their own, struck again and again, end as if nothing had happened.

Each blow is a kill -9 for the command, its driver, a worker, the raylet or the GCS, while Ray starts, in the
middle of a trial, at a report, or after `--extend`. ``NEMESIS_BLOWS`` says how many (6), ``NEMESIS_SEED``
which (1); every blow is printed, so that a failure can be seen again. Only the first two end the command,
which is then given again.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from nemesis_sweep.sweep.cluster.processes import Process, below, mentioning, process
from tests.cli.real_sweep import STUDY, assert_consistent, command, results_of

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

BLOWS, SEED = int(os.environ.get("NEMESIS_BLOWS", "6")), int(os.environ.get("NEMESIS_SEED", "1"))
TARGETS, MOMENTS = ("command", "driver", "worker", "raylet", "gcs_server"), ("start", "training", "report")
FIRST, ALL = 12, 16
PATIENCE = 90.0
"""Seconds within which there has to be something new after a blow."""

ENDED_BY_RAY = re.compile(
    r"core_worker_process\.cc:\d+: Failed to (register worker to|get the system config from)"
)
"""Ray's last line when its C++ ends the driver, as it does where a server dies while the driver signs on."""

SWEEP = f"""
name: struck
tasks: {{backbone: icon-clip, dataset: digits, shots: 1, replicates: 1}}
method: {{beta: 0, epochs: 12, views: 1}}
space: {{omega: {{low: 0.1, high: 100, log: true}}, n_ctx: {{choices: [2, 4]}}}}
search: {{eval_every: 2, sampler: random, pruner: none}}
budget: {{trials: {FIRST}, retries: 20}}
resources: {{cpus: 1, concurrent: 2}}
"""


@dataclass(frozen=True)
class Blow:
    target: str
    moment: str
    delay: float


class Driver:
    """`run` as a process with a Ray cluster of its own, begun anew when it was killed."""

    def __init__(self, file: Path, home: Path, folder: str) -> None:
        self.file, self.home, self.folder = file, home, folder
        self.log = home.with_suffix(".log")
        self.more: tuple[str, ...] = ()

    def start(self, *more: str) -> None:
        self.more = more
        with self.log.open("a") as log:
            line = command(self.file, self.home, *more)
            env = {**os.environ, "TMPDIR": self.folder, "OMP_NUM_THREADS": "1"}
            env.pop("RAY_TMPDIR", None)
            self.process = subprocess.Popen(line, env=env, stdout=log, stderr=log)

    @property
    def over(self) -> bool:
        return self.process.poll() is not None

    def signs(self) -> object:
        """Whatever changes when the sweep goes on."""
        return set(_written(self.home.glob("trials/*/*/*")))

    def processes(self, target: str) -> list[Process]:
        """Those that a blow may strike, now."""
        if target == "command":
            return [p for p in [process(self.process.pid)] if p]
        family = below(self.process.pid)
        drivers = {p.pid: p for p, parent in family.items() if parent == self.process.pid and _is_driver(p)}
        if target == "driver":
            return list(drivers.values())
        if target == "worker":
            return [p for p in family if p.title.startswith("ray::") and "Trainable" in p.title]
        return [p for p, parent in family.items() if p.name == target and parent in drivers and p.lives]

    def wait_for(self, condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
        """Whether it came true before the process was over."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.over:
                return False
            assert time.monotonic() < deadline, f"nothing new for {seconds} s\n{self.told()}"
            time.sleep(0.01)
        return True

    @property
    def is_killed(self) -> bool:
        return self.process.poll() == -signal.SIGKILL

    def told(self) -> str:
        return self.log.read_text()[-6000:]

    def strike(self, blow: Blow) -> bool:
        """Whether there was something to strike."""
        before = self.signs()
        if blow.moment == "report":
            self.wait_for(lambda: self.signs() != before)
        elif blow.moment == "training":
            self.wait_for(lambda: self.signs() != before and _in_the_middle(self.home))
        time.sleep(blow.delay if blow.moment != "report" else 0)
        if not self.wait_for(lambda: self.processes(blow.target)):
            return False
        for struck in self.processes(blow.target):
            os.kill(struck.pid, signal.SIGKILL)
        print(f"  {time.strftime('%X')} {blow}", file=sys.stderr, flush=True)
        return True

    def finish(self) -> None:
        """Go on to the end of this command; a driver that was killed is begun again."""
        while True:
            signs = self.signs()
            if not self.wait_for(lambda signs=signs: self.signs() != signs):
                if not self.is_killed:
                    return
                self.start(*self.more)


def _written(paths: Iterator[Path]) -> Iterator[tuple[Path, int]]:
    """Files and when they were written; a temporary one may vanish at any moment."""
    for path in paths:
        with suppress(FileNotFoundError):
            yield path, path.stat().st_mtime_ns


def _is_driver(process: Process) -> bool:
    """Whether it is `run` itself, below the process that begins it again; not an orphan of Ray's."""
    return process.lives and " run " in process.title and "--home" in process.title


def _in_the_middle(home: Path) -> bool:
    begun = home.glob(f"trials/{STUDY}/*/checkpoint/*.safetensors")
    return any(not (path.parents[1] / "result.json").exists() for path in begun)


@contextmanager
def ray_folder() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="nsb-", dir="/tmp")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def plan_of(rng: random.Random) -> list[Blow]:
    """Blows of one sweep: the first two before `--extend`."""
    moments = [rng.choice(MOMENTS) for _ in range(4)]
    return [
        Blow(rng.choice(TARGETS), moment, round(rng.uniform(0, 9 if moment == "start" else 1), 2))
        for moment in moments
    ]


def end_of(driver: Driver, blows: list[Blow], *more: str) -> int:
    """Run one command to its end under blows; how many of them were struck."""
    driver.start(*more)
    struck = 0
    for blow in blows:
        if driver.is_killed:
            driver.start(*more)
        if driver.over or not driver.strike(blow):
            break
        struck += 1
        if blow.target in ("command", "driver"):
            driver.process.wait(30)
    driver.finish()
    assert driver.process.returncode == 0, driver.told()
    return struck


def test_random_blows_lose_nothing_and_repeat_nothing(tmp_path):
    rng = random.Random(SEED)
    struck = sweeps = 0
    while struck < BLOWS:
        home = tmp_path / f"home{sweeps}"
        file = tmp_path / "struck.yaml"
        file.write_text(SWEEP)
        blows = plan_of(rng)
        print(f"\nsweep {sweeps}, {struck} of {BLOWS} blows struck", file=sys.stderr)
        with ray_folder() as folder:
            driver = Driver(file, home, folder)
            try:
                struck += end_of(driver, blows[:2])
                kept = results_of(home)
                struck += end_of(driver, blows[2:], "--trials", str(ALL), "--extend")
            finally:
                driver.process.kill()
                driver.process.wait(30)
            now = results_of(home)
            assert {path: now[path] for path in kept} == kept
            assert_consistent(home, ALL)
            text = driver.log.read_text()
            assert not re.search(r"Traceback|RayActorError|\[state-dump\]", text), text
            own = [
                line for line in text.splitlines() if "core_worker" in line and not ENDED_BY_RAY.search(line)
            ]
            assert not own, text
            deadline = time.monotonic() + 30
            while left := mentioning(folder):
                assert time.monotonic() < deadline, [one.title for one in left]
                time.sleep(0.2)
        sweeps += 1
        shutil.rmtree(home)
