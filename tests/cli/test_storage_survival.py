"""A sweep whose trials are in a database, killed with -9, goes on and mixes with nobody."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from tests.cli.real_sweep import command, run, verb, wait_for
from tests.postgresql import postgresql

pytestmark = pytest.mark.cluster

STUDY = "digits-1shot"
SWEEP = """
name: shared
tasks: {backbone: icon-clip, dataset: digits, shots: 1, replicates: 2}
method: {beta: 0, epochs: 30, views: 1}
space:
  omega: {low: 0.1, high: 100, log: true}
search: {eval_every: 2, pruner: median, baselines: [], storage: "URL"}
budget: {trials: 2}
resources: {cpus: 1, concurrent: 1}
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'trials.db'}"
        return
    with postgresql() as server:
        yield server.url().replace("://", "+psycopg://")


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "shared.yaml"


@pytest.mark.slow
def test_killed_and_continued_in_a_database_that_another_sweep_uses(url, file, tmp_path, monkeypatch):
    monkeypatch.setenv("NEMESIS_SWEEP_STORAGE", url)  # `status` finds no password in the home.
    home = tmp_path / "home"
    file.write_text(SWEEP.replace("URL", url))
    optuna.create_study(storage=url, study_name=f"shared/{STUDY}").enqueue_trial({"omega": 1.0})
    driver = subprocess.Popen(command(file, home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    folder = home / "trials" / STUDY
    wait_for(lambda: list(folder.glob("0/checkpoint/*.safetensors")) or driver.poll() is not None)
    driver.kill()
    driver.communicate(timeout=60)
    assert not (folder / "0" / "result.json").exists()
    status = json.loads(verb("status", str(home), "--json").stdout)
    assert (status["studies"][0]["running"], status["studies"][0]["complete"]) == (1, 0)
    answer = run(file, home)
    assert answer.returncode == 0, answer.stderr
    assert not (home / "optuna.journal").exists()
    status = json.loads(verb("status", str(home), "--json").stdout)
    assert (status["studies"][0]["running"], status["studies"][0]["complete"]) == (0, 2)
    prefix = json.loads((home / "storage.json").read_text())["prefix"]
    study = optuna.load_study(storage=url, study_name=f"{prefix}/{STUDY}")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE"]
    for trial in study.trials:
        result = json.loads((folder / str(trial.number) / "result.json").read_text())
        assert result["params"] == trial.params
        assert result["metrics"]["val/accuracy"] == pytest.approx(trial.value)
        assert max(trial.intermediate_values) == 30
    (other,) = optuna.load_study(storage=url, study_name=f"shared/{STUDY}").trials
    assert other.state.name == "WAITING"


def test_a_storage_that_cannot_be_opened_is_one_clear_error(file, tmp_path):
    file.write_text(SWEEP)
    answer = run(file, tmp_path / "home", "--set", "search.storage=sqlite:////nowhere/at/all.db")
    assert answer.returncode == 2
    assert "search.storage: Optuna cannot use this storage (unable to open database file)" in answer.stderr
    assert "Traceback" not in answer.stderr
