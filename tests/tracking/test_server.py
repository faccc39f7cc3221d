from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.tracking import keeper
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.server import UiServer, check_port, environment, next_free_port
from nemesis_sweep.tracking.store import Tracking, prepare
from nemesis_sweep.tracking.trial_run import TrialRun
from tests.tracking.shipping import ship


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.status, answer.read()


def mentioning(word: str) -> list[str]:
    """Command lines of living processes that contain a word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


def record_through(url: str, tmp_path: Path) -> None:
    """Record a sweep through a server's address, as a cluster does."""
    remote = prepare(tmp_path / "remote", "far", "far", uri=url)
    assert prepare(tmp_path / "remote", "far", "far", uri=url) == remote
    folder = tmp_path / "remote" / "trials" / "clipart-16shot" / "0"
    folder.mkdir(parents=True)
    run = TrialRun.open(folder, {"words": "w" * 9000}, {})
    run.log_epoch(1, {"val/accuracy": 50.0})
    ship(tmp_path / "remote", remote)
    again = TrialRun.open(folder, {"words": "w" * 9000}, {})
    again.log_epoch(1, {"val/accuracy": 50.0})
    (folder / "prompt.json").write_text("{}")
    (folder / "prompt.safetensors").write_bytes(b"0")
    again.log_files(folder, "prompt")
    again.finish("FINISHED", {"val/accuracy": 50.0})
    ship(tmp_path / "remote", remote)
    client = connect(url)
    (stored,) = client.search_runs(
        [remote.experiment_id], f"tags.`mlflow.parentRunId` = '{remote.parent_run_id}'"
    )
    assert stored.info.status == "FINISHED"
    assert len(client.get_metric_history(stored.info.run_id, "val/accuracy")) == 1
    assert len(client.list_artifacts(stored.info.run_id, "prompt")) == 2


OF_ANOTHER_SERVER = {
    "MLFLOW_GUNICORN_OPTS": "--timeout 180",
    "MLFLOW_UVICORN_OPTS": "--root-path /mlflow",
    "MLFLOW_WAITRESS_OPTS": "--threads 2",
    "MLFLOW_STATIC_PREFIX": "/mlflow",
    "MLFLOW_BACKEND_STORE_URI": "postgresql://127.0.0.1:9/none",
    "MLFLOW_READ_REPLICA_BACKEND_STORE_URI": "postgresql://127.0.0.1:9/none",
    "MLFLOW_REGISTRY_STORE_URI": "postgresql://127.0.0.1:9/none",
    "MLFLOW_DEFAULT_ARTIFACT_ROOT": "s3://bucket",
    "MLFLOW_ARTIFACTS_DESTINATION": "s3://bucket",
    "MLFLOW_ARTIFACTS_ONLY": "true",
    "MLFLOW_SERVE_ARTIFACTS": "false",
    "MLFLOW_EXPOSE_PROMETHEUS": "/proc/none",
    "MLFLOW_HOST": "192.0.2.1",
    "MLFLOW_PORT": "1",
    "MLFLOW_WORKERS": "0",
    "MLFLOW_SERVER_ALLOWED_HOSTS": "example.org",
    "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": "http://example.org",
    "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
    "MLFLOW_ENABLE_WORKSPACES": "true",
    "MLFLOW_WORKSPACE_STORE_URI": "postgresql://127.0.0.1:9/none",
    "UVICORN_ROOT_PATH": "/mlflow",
    "UVICORN_UDS": "/proc/none",
    "UVICORN_SSL_KEYFILE": "/proc/none",
    "WEB_CONCURRENCY": "9",
    "http_proxy": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


def test_all_that_mlflow_server_reads_from_the_environment_is_kept_from_it() -> None:
    """By its own declarations, so that a newer MLflow is covered too."""
    from mlflow.cli import server

    names = [parameter.envvar for parameter in server.params if parameter.envvar]
    assert len(names) > 15
    read = dict.fromkeys(names, "x")
    others = {"PATH": "/bin", "TMPDIR": "/x"}
    assert environment({**read, **others}) == environment(others)
    assert others.items() < environment(others).items()


def test_ui_serves_the_home_and_leaves_nothing_behind(
    home: Path, tracking: Tracking, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The real command: pages, an artifact, no telemetry, its use as a tracking server, then Ctrl-C.

    In a shell that is set up for a server of one's own.
    """
    folder = home / "trials" / "clipart-16shot" / "0"
    folder.mkdir(parents=True)
    run = TrialRun.open(folder, {"omega": 1.0}, {})
    for name in ("prompt.safetensors", "prompt.json"):
        (folder / name).write_text("{}")
    run.log_files(folder, "prompt")
    run.finish("FINISHED")
    ship(home, tracking)
    query = f"tags.`mlflow.parentRunId` = '{tracking.parent_run_id}'"
    (stored,) = connect(tracking.uri).search_runs([tracking.experiment_id], query)
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from nemesis_sweep.cli import main; main()",
            "ui",
            str(home),
            "--port",
            str(port),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **OF_ANOTHER_SERVER},
        # Background jobs of a shell are born deaf to Ctrl-C.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        url = f"http://127.0.0.1:{port}"
        assert f"MLflow is at {url}/#/experiments/{tracking.experiment_id}" in lines[1]
        status, page = get(url)
        assert status == 200
        assert b"<html" in page.lower()
        assert get(f"{url}/get-artifact?path=prompt/prompt.json&run_uuid={stored.info.run_id}") == (
            200,
            b"{}",
        )
        telemetry = json.loads(get(f"{url}/ajax-api/3.0/mlflow/ui-telemetry")[1])
        assert telemetry["disable_ui_telemetry"] is True
        assert len(mentioning(f"--port {port}")) >= 3  # the command, the server, its worker
        record_through(url, tmp_path)
        assert capfd.readouterr().out == ""
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(20) == 0
        rest = process.stdout.read()
    finally:
        process.kill()
        errors = process.communicate()[1]
    assert "Stopped." in rest
    assert "Traceback" not in errors
    assert mentioning(f"--port {port}") == []
    check_port("127.0.0.1", port)


def wait_until(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def test_a_server_ends_with_whoever_keeps_it(tmp_path: Path) -> None:
    """Also what it started and what does not listen; its exit code is told when it ends by itself."""
    mark = f"server of {tmp_path.name}"
    child = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)  # {mark}"
    server = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])  # {mark}"
    kept = subprocess.Popen(
        [sys.executable, "-c", KEPT, keeper.__file__, sys.executable, "-c", server], start_new_session=True
    )
    wait_until(lambda: len(mentioning(mark)) == 4)  # Also who keeps it, and who holds the pipe.
    kept.kill()
    kept.wait(10)
    wait_until(lambda: mentioning(mark) == [], 15)
    line = [sys.executable, keeper.__file__, sys.executable, "-c", "raise SystemExit(7)"]
    with subprocess.Popen(line, stdin=subprocess.PIPE) as ended:
        assert ended.wait(10) == 7


KEPT = """
import subprocess, sys
subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=subprocess.PIPE, start_new_session=True).wait()
"""


@pytest.mark.slow
def test_ui_that_is_killed_leaves_no_server_on_the_port(home: Path) -> None:
    port = free_port()
    line = [sys.executable, "-m", "nemesis_sweep", "ui", str(home), "--port", str(port)]
    ui = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert ui.stdout is not None
    assert [ui.stdout.readline() for _ in range(2)][1].startswith("MLflow is at")
    ui.kill()
    ui.wait(10)
    wait_until(lambda: mentioning(f"--port {port}") == [], 15)
    check_port("127.0.0.1", port)


def test_a_server_that_ends_for_the_version_of_its_database_says_what_to_do(home: Path) -> None:
    with sqlite3.connect(home / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    port = free_port()
    with pytest.raises(UserError, match="is of another version of MLflow"):
        UiServer(home / "mlflow.db", port=port).__enter__()
    assert mentioning(f"--port {port}") == []


def test_a_port_in_use_is_exit_code_2_with_the_next_free_one(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        free = next_free_port("127.0.0.1", port)
        started = time.monotonic()
        result = CliRunner().invoke(main, ["ui", str(home), "--port", str(port)])
    assert result.exit_code == 2
    assert f"port {port} is in use; port {free} is free: add `--port {free}`" in result.stderr
    assert "Traceback" not in result.output
    assert time.monotonic() - started < 5


def test_hosts_that_are_not_ours_are_refused() -> None:
    with pytest.raises(UserError, match="does not have this address"):
        check_port("192.0.2.1", 5000)
    with pytest.raises(UserError, match="no such host"):
        check_port("no-such-host.invalid", 5000)


def test_ui_takes_the_newest_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for age, name in enumerate(("newest", "old", "older")):
        folder = tmp_path / "sweeps" / name
        folder.mkdir(parents=True)
        record = {"sweep_id": "a1", "uri": f"http://{name}:5000", "experiment": "pan", "experiment_id": "3"}
        record["parent_run_id"] = "f00d"
        (folder / "tracking.json").write_text(json.dumps(record))
        os.utime(folder / "tracking.json", (1e9 - age, 1e9 - age))
    result = CliRunner().invoke(main, ["ui"])
    assert result.exit_code == 0
    assert "recorded on a server: open http://newest:5000/#/experiments/3/runs?" in result.output
    assert "parentRunId%60%20%3D%20%27f00d%27" in result.output


@pytest.mark.parametrize("arguments", [["ui"], ["ui", "no-such-home"], ["ui", "."]])
def test_ui_without_a_sweep_is_exit_code_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "HOME" in result.stderr
    assert "Traceback" not in result.output


def test_a_port_that_browsers_refuse_is_told_and_never_advised() -> None:
    with pytest.raises(UserError, match="--port: browsers open no page on this port; found 6000"):
        check_port("127.0.0.1", 6000)
    assert next_free_port("127.0.0.1", 6664) not in range(6665, 6670)
