"""A sweep whose disk is full in the middle of a trial, and that goes on when there is room."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.real_sweep import (
    SWEEP,
    assert_consistent,
    command,
    controls_of,
    drivers_of,
    in_the_middle_of,
    optuna_trials,
    results_of,
    run,
    start,
    wait_for,
    workers_of,
)
from tests.small_disk import fill, mounted


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "short.yaml"
    path.write_text(SWEEP)
    return path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path | None]:
    """A folder on a small disk of its own; None where none can be mounted."""
    with mounted(tmp_path / "disk", "24m") as there:
        yield tmp_path / "disk" if there else None


def limit(driver: subprocess.Popen, home: Path) -> None:
    """Let nobody who works for the sweep write more into a file than the journal holds."""
    size = (home / "optuna.journal").stat().st_size
    for pid in (*drivers_of(driver.pid), *workers_of(driver.pid)):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def ended(driver: subprocess.Popen, still: Callable[[], None]) -> str:
    """What the driver said in the end, which comes by itself; ``still`` is called until then."""
    deadline = time.monotonic() + 120
    while driver.poll() is None and time.monotonic() < deadline:
        still()
        time.sleep(0.05)
    stdout, stderr = driver.communicate(timeout=10)
    assert driver.returncode == 2, stdout + stderr
    assert "Traceback" not in stdout + stderr
    (line,) = [line for line in stderr.splitlines() if line.strip()]
    return line


@pytest.mark.cluster
def test_the_disk_is_full_in_the_middle_of_a_trial(disk, file, tmp_path, finished):
    home = (disk or tmp_path) / "home"
    driver = start(file, home)
    wait_for(in_the_middle_of(home, "0"))
    filler = (disk or tmp_path) / "filler"
    # What is deleted meanwhile gives room again: all of it is taken.
    told = ended(driver, lambda: fill(filler) if disk else limit(driver, home))
    assert told.startswith(f"error: the disk is full; found {home}")
    assert "allowed: room there, then the same command again" in told
    states = {name.rpartition("/")[2]: trial["state"] for name, trial in optuna_trials(home).items()}
    assert states == {"zero_shot": "COMPLETE", "coop": "COMPLETE", "paper": "COMPLETE", "0": "RUNNING"}
    kept = results_of(home)
    filler.unlink(missing_ok=True)

    answer = run(file, home)
    assert answer.returncode == 0, answer.stderr
    now = results_of(home)
    assert {path: now[path] for path in kept} == kept
    assert_consistent(home, trials=3)
    # Which is the best, and so which has a control, an extended sweep may have changed.
    whole, ours = optuna_trials(finished / "home"), optuna_trials(home)
    shared = ours.keys() & whole.keys()
    assert shared >= ours.keys() - controls_of(ours)
    assert {name: ours[name] for name in shared} == {name: whole[name] for name in shared}


def test_a_disk_without_any_room_is_one_clear_error_and_no_ray(disk, file, tmp_path):
    home = (disk or tmp_path) / "home"
    if disk:
        fill(disk / "filler")
    answer = subprocess.run(
        command(file, home),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        # Nothing at all can be written then, but into pipes.
        preexec_fn=None if disk else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.startswith(f"error: the disk is full; found {home}")
    assert len(answer.stderr.splitlines()) == 1
    assert "starting Ray" not in answer.stdout
