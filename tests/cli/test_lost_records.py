"""MLflow's database of a home: emptied, deleted, of another version, moved or copied with the home."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from nemesis_sweep.prompts.artifact import load_prompt
from nemesis_sweep.report.results import read_results
from tests.trained_home import make_home, verb

TABLES = ("latest_metrics", "metrics", "params", "tags", "runs")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("base")
        patch.setenv("NEMESIS_SWEEP_CACHE", str(folder / "features"))
        make_home(folder, patch)
    return folder


@pytest.fixture
def home(base, tmp_path, monkeypatch):
    """A copy of a finished home."""
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(base / "features"))
    return Path(shutil.copytree(base / "home", tmp_path / "home"))


def runs(home):
    """The runs of all trials in MLflow, by trial."""
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    found = client.search_runs([each.experiment_id for each in client.search_experiments()])
    return {run.data.tags["nemesis.trial"]: run for run in found if "nemesis.trial" in run.data.tags}


def change(home, *statements):
    with closing(sqlite3.connect(home / "mlflow.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def counts(home):
    """Rows of the tables, and their version."""
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        rows = [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in TABLES]
        return rows, connection.execute("SELECT * FROM alembic_version").fetchall()


LOSSES = {
    "emptied": lambda home: (home / "mlflow.db").write_bytes(b""),
    "deleted": lambda home: (home / "mlflow.db").unlink(),
    "without runs": lambda home: change(home, *(f"DELETE FROM {table}" for table in TABLES)),
}


@pytest.mark.parametrize(
    ("loss", "version"),
    [
        ("without runs", "this"),
        ("without runs", "earlier"),
        # To make the tables takes seconds.
        pytest.param("emptied", "this", marks=pytest.mark.slow),
        pytest.param("emptied", "earlier", marks=pytest.mark.slow),
        pytest.param("deleted", "this", marks=pytest.mark.slow),
    ],
)
def test_records_that_are_lost_are_logged_again(base, home, monkeypatch, loss, version):
    if version == "earlier":  # It had no outboxes.
        for path in home.glob("**/outbox*"):
            path.unlink()
    LOSSES[loss](home)
    answer = verb(monkeypatch, "run", base / "made.yaml", "--home", home)
    assert answer.exit_code == 0, answer.output
    assert f"{home / 'mlflow.db'} has no record of this sweep; " in answer.stderr
    assert "trials logged again" in answer.stderr
    assert ("without the curves" in answer.stderr) == (version == "earlier")
    before, after = runs(base / "home"), runs(home)
    rows = {f"{row.study}/{row.number}": row for row in read_results(home)}
    assert after.keys() == before.keys() == rows.keys()
    for trial, run in after.items():
        assert run.info.status == "FINISHED"
        assert run.data.params == before[trial].data.params
        assert run.data.metrics == before[trial].data.metrics
        assert run.data.tags["nemesis.baseline"] == rows[trial].baseline
        assert run.data.metrics["test/accuracy"] == rows[trial].metrics["test/accuracy"]
    again = verb(monkeypatch, "run", base / "made.yaml", "--home", home)
    assert (again.exit_code, again.stderr) == (0, "")
    assert runs(home).keys() == after.keys()


@pytest.mark.parametrize("revision", ["deadbeef0001", "bd07f7e963c5"])
def test_a_database_of_another_version_is_refused_and_left_as_it_is(base, home, monkeypatch, revision):
    """One that nobody knows, as of a newer MLflow, and an old one."""
    change(home, f"UPDATE alembic_version SET version_num = '{revision}'")
    before = counts(home)
    answer = verb(monkeypatch, "run", base / "made.yaml", "--home", home)
    assert answer.exit_code == 2
    assert f"`mlflow db upgrade sqlite:///{home / 'mlflow.db'}`" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert counts(home) == before


@pytest.mark.slow
def test_ui_tells_of_another_version_too(home):
    """A real server, which ends by itself."""
    import subprocess
    import sys

    change(home, "UPDATE alembic_version SET version_num = 'deadbeef0001'")
    command = [sys.executable, "-m", "nemesis_sweep", "ui", str(home), "--port", str(free_port())]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 2
    assert "is of another version of MLflow" in answer.stderr and "Traceback" not in answer.stderr


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("by", ["run", "ui"])
def test_a_copy_reads_its_own_files(base, home, monkeypatch, by, tmp_path):
    """The original is still there; what MLflow downloads is the copy's."""
    arguments = ["run", base / "made.yaml", "--home", home] if by == "run" else ["ui", home]
    assert verb(monkeypatch, *arguments).exit_code == 0
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    for trial, run in runs(home).items():
        assert run.info.artifact_uri.startswith((home / "mlartifacts").as_uri())
        if trial.endswith("/1"):
            (home / "mlartifacts" / run.info.run_id / "artifacts/prompt/only-here").write_text("x")
            client.download_artifacts(run.info.run_id, "prompt", str(tmp_path))
    assert (tmp_path / "prompt/only-here").exists()
    assert load_prompt(tmp_path / "prompt").seeds == [1, 2]
    for run in runs(base / "home").values():
        assert run.info.artifact_uri.startswith((base / "home/mlartifacts").as_uri())


@pytest.mark.parametrize("damage", ["missing", "a digit"])
def test_a_damaged_identity_begins_no_second_run(base, home, monkeypatch, damage):
    file = home / "tracking.json"
    before = file.read_text()
    if damage == "missing":
        file.unlink()
    else:
        identity = json.loads(before)["sweep_id"]
        file.write_text(before.replace(identity, "0" * 32))
    assert verb(monkeypatch, "run", base / "made.yaml", "--home", home).exit_code == 0
    assert json.loads(file.read_text()) == json.loads(before)
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (len(runs(home)) + 1,)
