"""A sweep of 40 trials on two nodes that is struck again and again ends as one that nobody touched."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.real_sweep import (
    STUDY,
    assert_consistent,
    command,
    mlflow_runs,
    optuna_trials,
    results_of,
    run,
)
from tests.ray_cluster import Cluster, two_nodes

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

TRIALS, PATIENCE = 40, 300.0
BLOWS = ["driver"] * 7 + ["worker"] * 7 + ["raylet"] * 6
# Retries are for what a cluster does of itself, not for the worst of luck: one trial may meet all blows.
SWEEP = f"""
name: long
tasks: {{backbone: icon-clip, dataset: digits, shots: 1, replicates: 2}}
method: {{beta: 0, epochs: 60, views: 1}}
space:
  omega: {{low: 0.1, high: 100, log: true}}
  n_ctx: {{choices: [4, 8]}}
search: {{eval_every: 2, pruner: none}}
budget: {{trials: {TRIALS}, retries: {len(BLOWS)}}}
resources: {{cpus: 1, concurrent: 1}}
"""


class Driver:
    """`run` as a process that joins the cluster, started anew when it was killed."""

    def __init__(self, file: Path, home: Path, cluster: Cluster) -> None:
        self.line = command(file, home)
        self.env = {**cluster.env, "RAY_ADDRESS": cluster.gcs}
        self.log = home.with_name("driver.log")
        self.start()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.line, env=self.env, stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)

    def wait_for(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)


@contextmanager
def driven(file: Path, home: Path, cluster: Cluster) -> Iterator[Driver]:
    driver = Driver(file, home, cluster)
    try:
        yield driver
    finally:
        driver.kill()


def in_the_middle(home: Path) -> bool:
    """Whether a trial has left a checkpoint and no result."""
    begun = home.glob(f"trials/{STUDY}/*/checkpoint/*.safetensors")
    return any(not (path.parents[1] / "result.json").exists() for path in begun)


def workers(cluster: Cluster) -> list[int]:
    actors = cluster.state("actors")
    return [a["pid"] for a in actors if a["state"] == "ALIVE" and "Trainable" in a["class_name"]]


def strike(blow: str, driver: Driver, cluster: Cluster, rng: random.Random) -> None:
    """kill -9, and after a while what an operator does: nothing for a worker, a new start for the others."""
    if blow == "driver":
        driver.kill()
        driver.start()
    elif blow == "worker":
        for pid in workers(cluster):
            os.kill(pid, signal.SIGKILL)
    else:
        cluster.kill_second()
        time.sleep(rng.uniform(0, 5))
        cluster.start_second()


def test_twenty_blows_lose_nothing_and_change_nothing(tmp_path):
    """Nothing finished is lost or repeated, nothing is left RUNNING, and trials and best are the same.

    The head has no CPU, so the second node's raylet takes the trial that runs along.
    """
    file = tmp_path / "long.yaml"
    file.write_text(SWEEP)
    home, whole = tmp_path / "home", tmp_path / "whole"
    rng = random.Random(20)
    blows = rng.sample(BLOWS, len(BLOWS))
    kept: dict[Path, int] = {}
    with two_nodes(os.environ, head_cpus=0) as cluster, driven(file, home, cluster) as driver:
        for number, blow in enumerate(blows):
            # Spread over the sweep, each in the middle of a trial.
            goal = max(len(kept), 2 * number + rng.randint(0, 1))
            driver.wait_for(lambda goal=goal: len(results_of(home)) >= goal and in_the_middle(home))
            time.sleep(rng.random())
            assert driver.process.poll() is None, driver.log.read_text()
            print(f"{blow} with {len(results_of(home))} trials done", file=sys.stderr)
            strike(blow, driver, cluster, rng)
            now = results_of(home)
            assert {path: now[path] for path in kept} == kept
            kept = now
        assert driver.process.wait(PATIENCE) == 0, driver.log.read_text()
        assert "Traceback" not in driver.log.read_text()
    now = results_of(home)
    assert {path: now[path] for path in kept} == kept
    assert_consistent(home, TRIALS)
    undisturbed = run(file, whole)
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert optuna_trials(home) == optuna_trials(whole)
    assert {r.info.status for r in mlflow_runs(home)[1]} == {"FINISHED"}
