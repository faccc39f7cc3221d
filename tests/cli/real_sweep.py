"""A sweep in real processes, as a user runs it, and what Optuna, MLflow and Parquet then say of it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from nemesis_sweep.report.results import read_results
from nemesis_sweep.sweep.cluster.processes import below

SWEEP = """
name: short
tasks: {backbone: icon-clip, dataset: digits, shots: 1, replicates: 2}
method: {beta: 0, epochs: 30, views: 1}
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [4, 8]}
search: {eval_every: 2, pruner: none}
budget: {trials: 3}
resources: {cpus: 1, concurrent: 1}
"""
# Trials are long enough to be struck in the middle of one.
STUDY = "digits-1shot"
BASELINES = {"zero_shot", "coop", "paper"}


def command(file: Path, home: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "nemesis_sweep", "run", str(file), "--home", str(home), *more]


def run(file: Path, home: Path, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(file, home, *more), capture_output=True, text=True, timeout=300, check=False
    )


def optuna_trials(home: Path) -> dict[str, dict]:
    """Every trial of every study: name -> state, value, params."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(home / "optuna.journal")))
    found = {}
    for summary in optuna.get_all_study_summaries(storage):
        study = optuna.load_study(study_name=summary.study_name, storage=storage)
        for trial in study.trials:
            beside = summary.study_name.endswith("/baselines")
            number = trial.user_attrs["baseline"] if beside else str(trial.number)
            key = f"{summary.study_name.removesuffix('/baselines')}/{number}"
            assert key not in found
            reason = trial.user_attrs.get("reason", "")
            found[key] = {
                "state": trial.state.name,
                "value": trial.value,
                "params": trial.params,
                "reason": reason,
            }
    return found


def mlflow_runs(home: Path) -> tuple[list, list]:
    """The sweep's own runs and the trials' runs."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=1000)
    return (
        [r for r in runs if "nemesis.trial" not in r.data.tags],
        [r for r in runs if "nemesis.trial" in r.data.tags],
    )


def controls_of(names: Iterable[str]) -> set[str]:
    """Trials that a best one got when all others were over; none where plain CoOp is the best."""
    return {name for name in names if "/control-of-" in name}


def assert_consistent(home: Path, trials: int) -> None:
    """Optuna, MLflow, Parquet and the trials' folders tell the same story, each trial once."""
    told = optuna_trials(home)
    assert set(told) - controls_of(told) == {f"{STUDY}/{n}" for n in (*BASELINES, *map(str, range(trials)))}
    assert [trial for trial in told.values() if trial["state"] != "COMPLETE"] == []
    rows = {f"{row.study}/{row.number}": row for row in read_results(home)}
    assert set(rows) == set(told)
    parents, children = mlflow_runs(home)
    assert [parent.info.status for parent in parents] == ["FINISHED"]
    recorded = {child.data.tags["nemesis.trial"]: child for child in children}
    assert len(children) == len(recorded)
    assert set(recorded) == set(told)
    for name, trial in told.items():
        row, child = rows[name], recorded[name]
        assert row.metrics["val/accuracy"] == pytest.approx(trial["value"])
        assert child.data.metrics["val/accuracy"] == pytest.approx(trial["value"])
        assert child.data.metrics["test/accuracy"] == pytest.approx(row.metrics["test/accuracy"])
        assert child.info.status == "FINISHED"
        assert child.data.tags["mlflow.parentRunId"] == parents[0].info.run_id
        assert row.params == trial["params"]
        folder = home / "trials" / name
        assert json.loads((folder / "result.json").read_text())["metrics"] == row.metrics
        assert (folder / "prompt.safetensors").exists() == (row.baseline != "zero_shot")


def wait_for(condition, seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def verb(*words: str) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "nemesis_sweep", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


def workers_of(command: int) -> list[int]:
    """Processes below a command in which Ray runs a trial."""
    return [process.pid for process in below(command) if "Trainable" in process.title]


def drivers_of(command: int) -> list[int]:
    """The process below a command that does its work, as `status` and `stop` know it."""
    return [process.pid for process, above in below(command).items() if above == command and process.lives]


def start(file: Path, home: Path) -> subprocess.Popen:
    return subprocess.Popen(command(file, home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def results_of(home: Path) -> dict[Path, int]:
    """Every result with the time it was written."""
    return {path: path.stat().st_mtime_ns for path in home.glob("trials/*/*/result.json")}


def in_the_middle_of(home: Path, number: str) -> Callable[[], bool]:
    folder = home / "trials" / STUDY / number
    return lambda: bool(list(folder.glob("checkpoint/*.safetensors")))


def stop(driver: subprocess.Popen, home: Path) -> None:
    """`stop`, as Ctrl-C once: running trials are put off, and the screen says how to go on."""
    status = json.loads(verb("status", str(home), "--json").stdout)
    assert [status["driver"]] == drivers_of(driver.pid)
    (study,) = status["studies"]
    assert (study["task"], study["complete"], study["running"]) == (STUDY, 3, 1)
    assert verb("stop", str(home)).returncode == 0
    _, stderr = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "continue with" in stderr
    assert {row.number: row.state for row in read_results(home)} == dict.fromkeys(BASELINES, "COMPLETE")
