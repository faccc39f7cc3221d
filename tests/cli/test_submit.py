"""`nemesis-sweep submit` against a server that takes jobs like Ray's and keeps what it was sent."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import ray
from click.testing import CliRunner, Result

from nemesis_sweep.cli import main
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.cluster import job_server, submission

SWEEP = """
name: short
tasks: {dataset: digits, shots: 1}
space: {omega: {low: 0.1, high: 100, log: true}}
"""


class JobServer(ThreadingHTTPServer):
    """The part of Ray's REST interface that a submission uses."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.version: tuple[int, str] = (200, json.dumps({"ray_version": ray.__version__}))
        self.verdict = 200
        self.token = ""
        self.jobs: list[dict] = []
        self.packages: list[bytes] = []
        self.sent: list[dict] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def sent_files(self) -> dict[str, bytes]:
        (package,) = self.packages
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


class Handler(BaseHTTPRequestHandler):
    server: JobServer

    def do_GET(self) -> None:
        if self.server.token and self.headers["Authorization"] != f"Bearer {self.server.token}":
            self.answer(401 if self.headers["Authorization"] is None else 403, "no")
        elif self.path == "/api/version":
            self.answer(*self.server.version)
        elif self.path == "/api/jobs/":
            self.answer(200, json.dumps(self.server.jobs))
        else:
            self.answer(404, "no such package")

    def do_PUT(self) -> None:
        self.server.packages.append(self.body())
        self.answer(200, "")

    def do_POST(self) -> None:
        job = json.loads(self.body())
        self.server.sent.append(job)
        told = {"job_id": job["submission_id"], "submission_id": job["submission_id"]}
        self.answer(self.server.verdict, json.dumps(told) if self.server.verdict == 200 else "too busy")

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        """Nothing on the test's screen."""


@pytest.fixture
def server(monkeypatch) -> Iterator[JobServer]:
    for name in job_server.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with JobServer() as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "my sweep.yaml"
    path.write_text(SWEEP)
    return path


def submit(file: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["submit", str(file), *more])


def test_the_job_is_the_same_run_with_everything_resolved(server, file):
    more = ["--home", "/shared/it's mine", "--trials", "4", "--set", "method.epochs=9"]
    result = submit(file, "--address", server.address, *more)
    assert result.exit_code == 0, result.output
    (job,) = server.sent
    assert job["entrypoint"] == (
        "exec python -m nemesis_sweep run short.yaml --home '/shared/it'\"'\"'s mine'"
    )
    assert job["metadata"] == {"nemesis.home": "/shared/it's mine", "name": "short"}
    sent = server.sent_files()
    assert set(sent) == {"short.yaml"}
    there = file.with_name("there.yaml")
    there.write_bytes(sent["short.yaml"])
    assert load_sweep(there) == load_sweep(file, ["method.epochs=9", "budget.trials=4"])


def test_the_id_and_the_commands_that_look_at_the_job_are_told(server, file):
    result = submit(file, "--address", f"{server.address}/")
    job = server.sent[0]["submission_id"]
    assert job.startswith("nemesis-short-")
    assert f"Submitted as job {job}" in result.stdout
    assert "~/nemesis-sweeps/short, which all nodes of the cluster must share" in result.stdout
    for verb in ("logs --follow", "status", "stop"):
        assert f"ray job {verb} --address {server.address} {job}" in result.stdout
    assert "nemesis-sweep status ~/nemesis-sweeps/short" in result.stdout


@pytest.mark.parametrize("name", job_server.VARIABLES)
def test_the_address_may_stand_in_the_environment(server, file, monkeypatch, name):
    monkeypatch.setenv(name, server.address)
    assert submit(file).exit_code == 0
    assert len(server.sent) == 1


def test_the_option_goes_before_the_environment(server, file, monkeypatch):
    """Ray's own client would have it the other way round."""
    for name in job_server.VARIABLES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert submit(file, "--address", server.address).exit_code == 0
    assert len(server.sent) == 1


@pytest.mark.parametrize("flag", ["--extend", "--fresh", "--retry-failed"])
def test_flags_of_run_go_along(server, file, flag):
    assert submit(file, "--address", server.address, "--home", "/shared/a", flag).exit_code == 0
    assert server.sent[0]["entrypoint"].endswith(f"run short.yaml --home /shared/a {flag}")


def test_the_package_goes_along_when_it_is_asked_for(server, file):
    assert submit(file, "--address", server.address, "--ship-code").exit_code == 0
    sent = server.sent_files()
    assert {"short.yaml", "nemesis_sweep/__main__.py", "nemesis_sweep/embedded/digits.parquet"} <= set(sent)
    assert any(name.endswith(".safetensors") for name in sent)
    assert not [name for name in sent if "__pycache__" in name]


def test_more_than_a_dashboard_takes_is_not_sent(server, file, monkeypatch):
    monkeypatch.setattr(submission, "LARGEST", 2**20)
    result = submit(file, "--address", server.address, "--ship-code")
    assert result.exit_code == 2
    assert "--ship-code: more to send than a Ray dashboard takes" in result.stderr
    assert "allowed: at most 1 MiB" in result.stderr
    assert not server.packages and not server.sent


def test_more_of_the_runtime_environment(server, file):
    given = {"env_vars": {"HF_HUB_OFFLINE": "1"}, "pip": ["timm"]}
    assert submit(file, "--address", server.address, "--runtime-env-json", json.dumps(given)).exit_code == 0
    there = server.sent[0]["runtime_env"]
    assert there["env_vars"] == {"RAY_JOB_STOP_WAIT_TIME_S": "60", **given["env_vars"]}
    assert there["pip"]["packages"] == ["timm"]
    assert there["working_dir"].startswith("gcs://")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--set", "method.beta=7"], "--set method.beta=7: method.beta: "),
        (["--set", "method.bta=0"], "Did you mean 'beta'?"),
        (["--home", "sweeps/here"], "--home: not a folder that a cluster can share; found sweeps/here"),
        (["--set", "tasks.root=data"], "--set tasks.root=data: tasks.root: a relative path means nothing"),
        (["--set", "tasks.dataset=./images"], "tasks.dataset: a relative path means nothing"),
        (["--set", "tracking.mlflow=sqlite:///my.db"], "tracking.mlflow: a relative path means nothing"),
        (["--runtime-env-json", "{"], "--runtime-env-json: not JSON"),
        (["--runtime-env-json", "[]"], "--runtime-env-json: not a JSON object"),
        (["--runtime-env-json", '{"working_dir": "."}'], "--runtime-env-json.working_dir: "),
        (["--runtime-env-json", '{"pip": 3}'], "--runtime-env-json: not a runtime environment: "),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_sent(server, file, more, told):
    result = submit(file, "--address", server.address, *more)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output
    assert not server.sent


@pytest.mark.parametrize(
    ("key", "address", "instead"),
    [
        ("search.storage", "postgresql://me:hunter2@db/sweeps", "NEMESIS_SWEEP_STORAGE"),
        ("search.storage", "postgresql://db/sweeps?password=hunter2", "~/.pgpass"),
        ("tracking.mlflow", "https://me:hunter2@mlflow.example", "MLFLOW_TRACKING_PASSWORD"),
        ("tracking.mlflow", "https://hunter2@mlflow.example", "MLFLOW_TRACKING_TOKEN"),
        ("tracking.mlflow", "postgresql://me:a@hunter2@db/mlflow", "~/.pgpass"),
    ],
)
def test_a_password_is_not_sent(server, file, key, address, instead):
    """Ray keeps what is sent in its state and on its nodes."""
    section, name = key.split(".")
    file.write_text(SWEEP + f'{section}: {{{name}: "{address}"}}\n')
    result = submit(file, "--address", server.address)
    assert result.exit_code == 2
    assert f"my sweep.yaml:5: {key}: an address with a password is not sent" in result.stderr
    assert instead in result.stderr
    assert "hunter2" not in result.output
    assert not server.sent and not server.packages


def test_what_holds_no_password_is_sent_as_it_is(server, file):
    storage, mlflow = "postgresql://me:***@db/sweeps", "https://mlflow.example"
    more = ["--set", f"search.storage={storage}", "--set", f"tracking.mlflow={mlflow}"]
    assert submit(file, "--address", server.address, *more).exit_code == 0
    sent = server.sent_files()["short.yaml"].decode()
    assert storage in sent and mlflow in sent


def test_it_refuses_what_validate_refuses_in_the_same_words(server, file):
    file.write_text(SWEEP.replace("digits", "digts") + "serch: {}\n")
    result = submit(file, "--address", server.address)
    validated = CliRunner().invoke(main, ["validate", str(file)])
    assert (result.exit_code, result.stderr) == (2, validated.stderr)
    assert not server.sent


def test_a_backbone_below_the_current_folder_is_refused(server, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my.safetensors").write_bytes(b"")
    for written in ("my.safetensors", str(tmp_path / "my.safetensors")):
        name = f"ViT-B-32@{written}"
        result = submit(file, "--address", server.address, "--set", f"tasks.backbone={name}")
        relative = not Path(written).is_absolute()
        assert (result.exit_code == 2) == relative
        assert ("tasks.backbone: a relative path means nothing" in result.stderr) == relative


@pytest.mark.parametrize(
    "address", ["HEAD:8265", "ray://head:10001", "http://", "http://h:99999", "http://[x"]
)
def test_an_address_that_is_none(server, file, address):
    result = submit(file, "--address", address)
    assert result.exit_code == 2
    assert f"--address: not the address of a job server; found {address}" in result.stderr


def test_no_address_at_all(server, file, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    result = submit(file)
    assert result.exit_code == 2
    assert "--address: no cluster is named; allowed: " in result.stderr


def test_nobody_listens(server, file):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        result = submit(file, "--address", f"http://127.0.0.1:{closed.getsockname()[1]}")
    assert result.exit_code == 2
    assert "--address: no Ray cluster answers (" in result.stderr
    assert "refused" in result.stderr


def test_somebody_listens_and_says_nothing(server, file, monkeypatch):
    monkeypatch.setattr(job_server, "SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        result = submit(file, "--address", f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert result.exit_code == 2
    assert "--address: no Ray cluster answers (timed out)" in result.stderr
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "version", [(200, "<html>hello</html>"), (200, "[]"), (200, "{}"), (404, ""), (500, "")]
)
def test_somebody_else_answers(server, file, version):
    server.version = version
    result = submit(file, "--address", server.address)
    assert result.exit_code == 2
    assert "--address: this is no Ray dashboard: it " in result.stderr


def test_a_cluster_that_wants_a_token_is_shown_the_users(server, file, tmp_path, monkeypatch):
    server.token = "secret"
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    result = submit(file, "--address", server.address)
    assert result.exit_code == 2
    assert "--address: the cluster wants a token; found http://" in result.stderr
    (tmp_path / "token").write_text("secret\n")
    result = submit(file, "--address", server.address)
    assert result.exit_code == 0, result.output
    assert len(server.sent) == 1
    assert "RAY_AUTH_MODE=token ray job status --address" in result.output
    assert "secret" not in result.output
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    result = submit(file, "--address", server.address)
    assert result.exit_code == 2
    assert "--address: the cluster refuses this user's token" in result.stderr
    assert "another;" not in result.stderr


def test_a_server_that_fails_is_one_clear_error(server, file):
    server.verdict = 503
    result = submit(file, "--address", server.address)
    assert result.exit_code == 2
    assert "--address: Ray refuses: Request failed with status code 503: too busy." in result.stderr


@pytest.mark.parametrize(("status", "refused"), [("RUNNING", True), ("PENDING", True), ("STOPPED", False)])
def test_one_job_at_a_time_in_a_home(server, file, status, refused):
    server.jobs = [
        {
            "type": "SUBMISSION",
            "submission_id": "nemesis-short-1",
            "status": status,
            "entrypoint": "",
            "metadata": {"nemesis.home": "/shared/short"},
        }
    ]
    result = submit(file, "--address", server.address, "--home", "/shared/short")
    assert (result.exit_code == 2) == refused
    assert ("found /shared/short (job nemesis-short-1)" in result.stderr) == refused
    assert len(server.sent) == (not refused)
    assert submit(file, "--address", server.address, "--home", "/shared/other").exit_code == 0
