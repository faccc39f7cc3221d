from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.location import absolute_uri, check_answers
from nemesis_sweep.tracking.store import Tracking, prepare, recorded
from nemesis_sweep.tracking.sweep_run import finish_sweep, log_files
from tests.tracking.shipping import ship


def parents(tracking: Tracking) -> list:
    ours = (
        f"tags.`nemesis.sweep.home` = '{tracking.uri.removeprefix('sqlite:///').removesuffix('/mlflow.db')}'"
    )
    return list(connect(tracking.uri).search_runs([tracking.experiment_id], ours))


def test_the_database_and_artifacts_are_absolute_and_in_the_home(tracking: Tracking, home: Path) -> None:
    assert tracking.uri == f"sqlite:///{home}/mlflow.db"
    run = connect(tracking.uri).get_run(tracking.parent_run_id)
    assert run.info.status == "RUNNING"
    assert run.info.run_name == "pan"
    assert run.data.params == {"budget.trials": "12"}
    assert run.data.tags["mlflow.source.name"] == "nemesis-sweep"


def test_mlflow_shows_the_experiment_as_one_of_training(tracking: Tracking, home: Path) -> None:
    """By the tag that MLflow's pages read. One without it gets it, one that has another keeps that."""
    client = connect(tracking.uri)
    tag = "mlflow.experimentKind"
    assert client.get_experiment(tracking.experiment_id).tags[tag] == "custom_model_development"
    client.delete_experiment_tag(tracking.experiment_id, tag)
    prepare(home, "pan", "pan")
    assert client.get_experiment(tracking.experiment_id).tags[tag] == "custom_model_development"
    client.set_experiment_tag(tracking.experiment_id, tag, "genai_development")
    prepare(home, "pan", "pan")
    assert client.get_experiment(tracking.experiment_id).tags[tag] == "genai_development"


def test_running_again_continues_the_same_parent(tracking: Tracking, home: Path) -> None:
    finish_sweep(home, "KILLED", {"best/clipart-16shot": 61.5}, reason="interrupted")
    ship(home, tracking)
    client = connect(tracking.uri)
    ended = client.get_run(tracking.parent_run_id)
    assert ended.info.status == "KILLED"
    assert ended.data.tags["nemesis.reason"] == "interrupted"
    again = prepare(home, "pan", "pan", params={"budget.trials": 40, "new": 1}, tags={"host": "b"})
    assert again == tracking
    assert len(parents(tracking)) == 1
    run = client.get_run(tracking.parent_run_id)
    assert run.info.status == "RUNNING"
    assert "nemesis.reason" not in run.data.tags
    # MLflow never changes a parameter; the new value stands beside it.
    assert run.data.params == {"budget.trials": "12", "new": "1"}
    assert run.data.tags["nemesis.now.budget.trials"] == "40"
    assert run.data.tags["host"] == "b"
    assert run.data.metrics == {"best/clipart-16shot": 61.5}


def test_a_crash_before_the_run_was_written_down_leaves_one_parent(tracking: Tracking, home: Path) -> None:
    record = json.loads((home / "tracking.json").read_text())
    del record["parent_run_id"], record["experiment_id"]
    (home / "tracking.json").write_text(json.dumps(record))
    assert prepare(home, "pan", "pan") == tracking
    assert len(parents(tracking)) == 1


def test_two_homes_on_one_store_have_two_parents(tracking: Tracking, tmp_path: Path) -> None:
    other = prepare(tmp_path / "other", "pan", "pan", uri=tracking.uri)
    assert other.experiment_id == tracking.experiment_id
    assert other.parent_run_id != tracking.parent_run_id
    assert not (tmp_path / "other" / "mlflow.db").exists()
    assert recorded(tmp_path / "other")["uri"] == tracking.uri


def test_files_of_the_sweep_become_artifacts_below_the_home(tracking: Tracking, home: Path) -> None:
    (home / "sweep.yaml").write_text("name: pan\n")
    log_files(home, [home / "sweep.yaml"])
    ship(home, tracking)
    kept = list((home / "mlartifacts").rglob("sweep.yaml"))
    assert [file.read_text() for file in kept] == ["name: pan\n"]
    assert tracking.parent_run_id in kept[0].parts


MOVED = """
import sys
from pathlib import Path
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.store import prepare
from nemesis_sweep.tracking.sweep_run import log_files
from tests.tracking.shipping import ship

home = Path(sys.argv[1])
tracking = prepare(home, "pan", "pan")
log_files(home, [home / "tracking.json"])
ship(home, tracking)
files = connect(tracking.uri).list_artifacts(tracking.parent_run_id)
print(tracking.parent_run_id, *[file.path for file in files])
"""


def test_a_moved_home_keeps_its_artifacts(tracking: Tracking, home: Path, tmp_path: Path) -> None:
    (home / "sweep.yaml").write_text("name: pan\n")
    log_files(home, [home / "sweep.yaml"])
    ship(home, tracking)
    new = home.rename(tmp_path / "else where")
    # In a process of its own, for MLflow remembers the artifact folders of runs for as long as it lives.
    told = subprocess.run(
        [sys.executable, "-c", MOVED, str(new)], capture_output=True, text=True, check=True
    ).stdout
    assert told.split() == [tracking.parent_run_id, "sweep.yaml", "tracking.json"]
    assert not home.exists()
    assert len(list((new / "mlartifacts").rglob("tracking.json"))) == 1


QUIET = """
import sys
from pathlib import Path
from nemesis_sweep.tracking.store import prepare

assert "mlflow" not in sys.modules and "pandas" not in sys.modules
prepare(Path(sys.argv[1]), "pan", "pan")
from mlflow.telemetry import get_telemetry_client

print("telemetry:", get_telemetry_client())
from mlflow.environment_variables import MLFLOW_ENABLE_ASYNC_LOGGING

print("later:", MLFLOW_ENABLE_ASYNC_LOGGING.get())
"""


def test_mlflow_is_imported_late_without_telemetry_and_says_nothing(tmp_path: Path) -> None:
    # A fresh environment: this test run itself tells MLflow to keep quiet.
    asked = {"MLFLOW_ENABLE_ASYNC_LOGGING": "true"}
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **asked}
    told = subprocess.run(
        [sys.executable, "-c", QUIET, str(tmp_path / "home")], capture_output=True, text=True, env=environment
    )
    assert (told.stdout, told.stderr, told.returncode) == ("telemetry: None\nlater: False\n", "", 0)


def test_a_deleted_experiment_is_not_revived(tracking: Tracking, home: Path) -> None:
    connect(tracking.uri).delete_experiment(tracking.experiment_id)
    with pytest.raises(UserError, match=r"was deleted in MLflow.*restore"):
        prepare(home, "pan", "pan")


def test_a_server_that_does_not_answer_is_told_within_seconds(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(
        UserError, match=rf"tracking.mlflow: MLflow at http://127.0.0.1:{port} cannot be used .*refused"
    ):
        prepare(tmp_path, "pan", "pan", uri=f"http://127.0.0.1:{port}")
    assert time.monotonic() - started < 7


def test_a_dead_database_server_is_told_without_its_password() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UserError) as caught:
        check_answers(f"postgresql://me:secret@127.0.0.1:{port}/runs")
    assert "secret" not in str(caught.value)
    assert f"me:***@127.0.0.1:{port}/runs" in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database, surely " * 50)
    started = time.monotonic()
    with pytest.raises(UserError, match="file is not a database"):
        prepare(tmp_path, "pan", "pan")
    assert time.monotonic() - started < 7


REFUSED = ["./mlruns", "file:///tmp/mlruns", "sqlite://", "sqlite:///:memory:", "databricks-uc", "htps://x"]
REFUSED += [
    "http://me:hunter2/x@host",
    "https://me:x#hunter2@host",
    "https://me:***@host",
    "postgresql://me:***@h/d",
]


@pytest.mark.parametrize("uri", REFUSED)
def test_stores_that_workers_cannot_share_are_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tracking.mlflow"):
        absolute_uri(tmp_path, uri)


@pytest.mark.parametrize(
    "password", ["hunter2/x", "hunter2#x", "hunter2?x", "x:hunter2", "hunter2[x", "hunter2%x"]
)
def test_why_a_database_does_not_answer_shows_no_part_of_a_password(password: str) -> None:
    """Read as a web address, what stands before a `/` would be a port that is none."""
    with pytest.raises(UserError) as refused:
        check_answers(f"postgresql://me:{password}@127.0.0.1:9/d")
    assert "hunter2" not in str(refused.value)
    assert "refused" in str(refused.value)


def test_relative_databases_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_uri(tmp_path, "sqlite:///runs.db?timeout=9") == f"sqlite:///{tmp_path}/runs.db?timeout=9"
    assert absolute_uri(tmp_path, "sqlite:////abs/runs.db") == "sqlite:////abs/runs.db"
    for uri in ("http://host:5000", "databricks", "databricks://profile", "postgresql+psycopg://me@h/x"):
        assert absolute_uri(tmp_path, uri) == uri


def test_what_a_plugin_adds_to_mlflow_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As MLflow finds plugins: by an entry point of an installed package."""
    uri = "azureml://region.api.azureml.ms/mlflow/v1.0/workspaces/w"
    with pytest.raises(UserError, match="not a tracking URI"):
        absolute_uri(tmp_path, uri)
    about = tmp_path / "azureml_mlflow-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: azureml-mlflow\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[mlflow.tracking_store]\nazureml = azureml_mlflow:store\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert absolute_uri(tmp_path, uri) == uri
