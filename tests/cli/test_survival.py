"""A sweep of 40 trials that is killed again and again ends as one that nobody touched."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.test_run import (
    BASELINES,
    STUDY,
    assert_consistent,
    command,
    mlflow_runs,
    optuna_trials,
    run,
    workers_of,
)

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

TRIALS, KILLS, PATIENCE = 40, 20, 600.0
SWEEP = f"""
name: long
tasks: {{backbone: icon-clip, dataset: digits, shots: 1, replicates: 2}}
method: {{beta: 0, epochs: 60, views: 1}}
space:
  omega: {{low: 0.1, high: 100, log: true}}
  n_ctx: {{choices: [4, 8]}}
search: {{eval_every: 2, pruner: none}}
budget: {{trials: {TRIALS}, retries: {KILLS}}}
resources: {{cpus: 1, concurrent: 1}}
"""


def finished(home: Path) -> dict[Path, int]:
    """Every result with the time it was written."""
    return {path: path.stat().st_mtime_ns for path in home.glob("trials/*/*/result.json")}


def strike(arguments: list[str], home: Path, rng: random.Random) -> bool:
    """Run the sweep and kill the driver or the worker somewhere in its next few trials.

    Returns whether the blow fell before the sweep was over.
    """
    goal = len(finished(home)) + rng.randint(1, 3)
    driver = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while len(finished(home)) < min(goal, TRIALS + len(BASELINES) - 1) and driver.poll() is None:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    time.sleep(rng.random())
    victims = workers_of(driver.pid) if rng.random() < 0.5 else []
    alive = driver.poll() is None
    if victims:
        os.kill(rng.choice(victims), signal.SIGKILL)
        time.sleep(rng.uniform(0.0, 5.0))
    driver.kill()
    driver.wait(60)
    return alive


def test_twenty_blows_lose_nothing_and_change_nothing(tmp_path):
    """Nothing finished is lost or repeated, nothing is left RUNNING, and trials and best are the same."""
    file = tmp_path / "long.yaml"
    file.write_text(SWEEP)
    home, whole = tmp_path / "home", tmp_path / "whole"
    rng = random.Random(20)
    kept: dict[Path, int] = {}
    for _ in range(KILLS):
        if not strike(command(file, home), home, rng):
            break
        now = finished(home)
        assert {path: now[path] for path in kept} == kept
        kept = now
    answer = run(file, home)
    assert answer.returncode == 0, answer.stderr
    now = finished(home)
    assert {path: now[path] for path in kept} == kept
    assert_consistent(home, TRIALS)
    undisturbed = run(file, whole)
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert optuna_trials(home) == optuna_trials(whole)
    assert {r.info.status for r in mlflow_runs(home)[1]} == {"FINISHED"}
    assert len(list((home / "trials" / STUDY).iterdir())) == TRIALS + len(BASELINES)
