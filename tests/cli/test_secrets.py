"""No password of an address is on the screen, on a disk or in the list of processes: a real run, looked at.

The trials are in a PostgreSQL, the records on an MLflow server that is killed in mid-run. Both addresses hold
passwords.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.real_sweep import command, run, verb, wait_for
from tests.postgresql import PASSWORD, postgresql
from tests.tracking.test_server import free_port

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

OF_MLFLOW = "hunter2-of-mlflow"
SECRETS = [OF_MLFLOW, PASSWORD, quote(PASSWORD, safe="")]
SWEEP = """
name: secret
tasks: {backbone: icon-clip, dataset: digits, shots: 1, replicates: 2}
method: {beta: 0, epochs: 60, views: 1}
space:
  omega: {low: 0.1, high: 100, log: true}
search: {eval_every: 2, pruner: none, baselines: [], storage: "STORAGE"}
tracking: {mlflow: "MLFLOW"}
budget: {trials: 3}
resources: {cpus: 1, concurrent: 1}
"""


@pytest.fixture
def mlflow_server(tmp_path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Its address, and what kills it."""
    port = free_port()
    line = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    line += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--workers", "1"]
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(line, stdout=log, stderr=log, start_new_session=True, cwd=tmp_path)

    def kill() -> None:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(20)

    from nemesis_sweep.tracking.server import _answers

    try:
        wait_for(lambda: _answers(f"http://127.0.0.1:{port}"))
        yield f"http://me:{OF_MLFLOW}@127.0.0.1:{port}", kill
    finally:
        kill()


def in_files(folder: Path) -> list[str]:
    """Files below a folder that hold a secret, and which."""
    found = []
    for path in folder.rglob("*"):
        try:
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        except OSError:  # It has just been removed.
            continue
        found += [f"{path}: {secret}" for secret in SECRETS if secret.encode() in content]
    return found


def in_processes() -> list[str]:
    """Command lines that hold a secret."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        found += [line.replace("\0", " ") for secret in SECRETS if secret in line]
    return found


def test_passwords_are_nowhere(tmp_path, mlflow_server, monkeypatch):
    address, kill = mlflow_server
    ray = Path(tempfile.mkdtemp(prefix="nsr-", dir="/tmp"))
    monkeypatch.setenv("RAY_TMPDIR", str(ray))
    home, file = tmp_path / "home", tmp_path / "secret.yaml"
    try:
        with postgresql() as database:
            storage = database.url().replace("://", "+psycopg://")
            file.write_text(SWEEP.replace("STORAGE", storage).replace("MLFLOW", address))
            driver = subprocess.Popen(
                command(file, home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            wait_for(lambda: list(home.glob("trials/*/0/result.json")) or driver.poll() is not None)
            kill()
            wait_for(lambda: list(home.glob("trials/*/2/checkpoint/*")) or driver.poll() is not None)
            assert in_processes() == []
            assert in_files(ray) == []
            assert in_files(home) == []
            out, err = driver.communicate(timeout=120)
            assert driver.returncode == 0, out + err
            assert "does not answer" in out
            assert "the next run sends it" in out
            said = [out, err]
            for words in (["status", str(home)], ["validate", str(file)], ["plan", str(file)]):
                answer = verb(*words)
                said += [answer.stdout, answer.stderr]
            assert "the address is without its password" in "".join(said)
            again = run(file, home)  # Its MLflow is gone.
            assert again.returncode == 2
            said += [again.stdout, again.stderr]
            database.stop()
            lost = run(file, home, "--set", "tracking.mlflow=databricks")
            database.start()
            assert lost.returncode == 2
            said += [lost.stdout, lost.stderr]
        assert [secret for secret in SECRETS if secret in "".join(said)] == []
        assert in_files(home) == []
        file.unlink()
        assert in_files(tmp_path) == []
    finally:
        shutil.rmtree(ray, ignore_errors=True)
