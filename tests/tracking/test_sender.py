"""The sender against real stores that are there, gone and back, and against servers that are wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.delivery import SENT
from nemesis_sweep.tracking.outbox import CLOSE, Outbox, event
from nemesis_sweep.tracking.sender import Sender
from nemesis_sweep.tracking.store import Tracking, prepare
from nemesis_sweep.tracking.sweep_run import begin_sweep, finish_sweep
from tests.tracking.answering import closes, hangs, healthy, html, serving, status
from tests.tracking.test_server import free_port
from tests.tracking.test_trial_run import children, folder, opened, steps


def wait_for(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def started(home: Path, told: list[str], tracking: Tracking, uri: str | None = None) -> Sender:
    sender = Sender(home, lambda: tracking, told.append, uri)
    sender.start()
    sender.ready()
    return sender


def train(home: Path, number: str, epochs: int = 3) -> None:
    """What a worker leaves of a trial."""
    run, place = opened(home, number), folder(home, number)
    for epoch in range(1, epochs + 1):
        run.log_epoch(epoch, {"val/accuracy": 50.0 + epoch})
    for name in ("prompt.safetensors", "prompt.json"):
        (place / name).write_text(number)
    run.log_files(place, "prompt")
    run.finish("FINISHED", {"test/accuracy": 51.5})


def test_what_trials_say_is_sent_while_they_run(home: Path, tracking: Tracking) -> None:
    told: list[str] = []
    begin_sweep(home)
    train(home, "0")
    with started(home, told, tracking) as sender:
        sender.follow(folder(home, "1"))
        run = opened(home, "1")
        run.log_epoch(1, {"val/accuracy": 40.0})
        query = f"tags.`mlflow.parentRunId` = '{tracking.parent_run_id}'"
        search = partial(connect(tracking.uri).search_runs, [tracking.experiment_id], query)
        wait_for(lambda: len(search()) == 2 and all(run.data.metrics for run in search()))
        assert {run.info.status for run in search()} == {"RUNNING", "FINISHED"}
        run.finish("KILLED", reason="pruned")
        finish_sweep(home, "FINISHED", {"best/x": 53.0})
    assert told == []
    assert sorted(run.info.status for run in search()) == ["FINISHED", "KILLED"]
    parent = connect(tracking.uri).get_run(tracking.parent_run_id)
    assert (parent.info.status, parent.data.metrics) == ("FINISHED", {"best/x": 53.0})


def test_sent_twice_it_is_there_once(home: Path, tracking: Tracking) -> None:
    """A driver that is killed after it sent, and before it wrote down that it did."""
    train(home, "0")
    (before,) = children(home, tracking)
    (folder(home, "0") / SENT).unlink()
    (after,) = children(home, tracking)
    assert after.info.run_id == before.info.run_id
    assert (after.data.metrics, after.data.params) == (before.data.metrics, before.data.params)
    assert (after.info.start_time, after.info.end_time) == (before.info.start_time, before.info.end_time)
    assert steps(tracking, after, "val/accuracy") == [(1, 51.0), (2, 52.0), (3, 53.0)]
    assert len(steps(tracking, after, "test/accuracy")) == 1


def test_the_current_folder_may_vanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a job's does while Ray starts, which unpacks it anew; MLflow wants to know where it stands."""
    home, job = tmp_path / "home", tmp_path / "job"
    home.mkdir()
    job.mkdir()
    monkeypatch.chdir(job)

    def unpacked_anew() -> None:
        job.rmdir()
        job.mkdir()

    def prepare_meanwhile() -> Tracking:
        if not times:
            times.append(time.monotonic())
            unpacked_anew()
        return prepare(home, "sweep", "sweep", None)

    times: list[float] = []
    told: list[str] = []
    begin_sweep(home)
    with Sender(home, prepare_meanwhile, told.append) as sender:
        sender.start()
        sender.ready()
        unpacked_anew()
        train(home, "0")
        sender.follow(folder(home, "0"))
        wait_for((folder(home, "0") / SENT).exists)
    assert told == []
    assert Path.cwd() == job


def test_runs_that_are_gone_are_sent_again_from_their_beginning(home: Path, tracking: Tracking) -> None:
    """Another database or server, or a run that somebody deleted and that goes on."""
    train(home, "0")
    children(home, tracking)
    connect(tracking.uri).delete_run(tracking.parent_run_id)
    another = prepare(home, "pan", "pan")
    assert another.parent_run_id != tracking.parent_run_id
    (run,) = children(home, another)
    assert run.info.status == "FINISHED"
    assert steps(another, run, "val/accuracy") == [(1, 51.0), (2, 52.0), (3, 53.0)]
    connect(another.uri).delete_run(run.info.run_id)
    opened(home, "0").log_epoch(4, {"val/accuracy": 54.0})
    (anew,) = children(home, another)
    assert anew.info.run_id != run.info.run_id
    assert len(steps(another, anew, "val/accuracy")) == 4


def test_artifacts_of_a_run_are_files_of_its_folder(home: Path, tracking: Tracking) -> None:
    train(home, "0")
    secret = home.parent / "secret"
    secret.write_text("of somebody else")
    (folder(home, "0") / "link").symlink_to(secret)
    outbox = Outbox(folder(home, "0"))
    outbox.append(event("files", names=["../../../../secret", str(secret), "link"], place="prompt"))
    (run,) = children(home, tracking)
    files = connect(tracking.uri).list_artifacts(run.info.run_id, "prompt")
    assert sorted(file.path for file in files) == ["prompt/prompt.json", "prompt/prompt.safetensors"]


def test_what_mlflow_refuses_of_one_trial_holds_up_no_other(home: Path, tracking: Tracking) -> None:
    told: list[str] = []
    run = opened(home, "0")
    Outbox(folder(home, "0")).append(event(CLOSE, status="NO_SUCH_STATUS", reason=""))
    run.log_epoch(1, {"val/accuracy": 1.0})
    train(home, "1")
    with started(home, told, tracking):
        pass
    (line,) = told
    assert "MLflow at sqlite:///mlflow.db has not been told all of 1 trial (" in line
    assert "NO_SUCH_STATUS" in line and "the next run sends it" in line
    states = connect(tracking.uri).search_runs([tracking.experiment_id], "tags.`nemesis.trial` LIKE '%/1'")
    assert [run.info.status for run in states] == ["FINISHED"]


@pytest.mark.parametrize(
    "answer",
    [
        status(500),
        html,
        hangs,
        closes,
        healthy(status(500)),
        healthy(html),
        healthy(hangs),
        healthy(closes),
        healthy(status(200, b"[]")),
        healthy(status(200, b'{"experiment": 7}')),
        healthy(status(401, b'{"error_code": "UNAUTHENTICATED", "message": "who are you"}')),
        healthy(status(404, b"not found", "text/plain")),
    ],
    ids=lambda answer: answer.__qualname__.partition(".")[0],
)
def test_a_server_that_answers_wrongly_is_refused_within_seconds(answer: Callable, tmp_path: Path) -> None:
    with serving(answer) as url:
        began = time.monotonic()
        sender = Sender(tmp_path, partial(prepare, tmp_path, "pan", "pan", url), print, url)
        sender.start()
        with pytest.raises(UserError, match=r"tracking\.mlflow: MLflow"):
            sender.ready(3.0)
        sender.finish(0.1)
        assert time.monotonic() - began < 8


def test_a_dead_server_holds_nothing_up_and_is_told_once(
    home: Path, tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("nemesis_sweep.tracking.sender.EVERY", 0.1)
    away = Tracking(f"http://me:hunter2@127.0.0.1:{free_port()}", "1", "0" * 32)
    sender = started(home, told, away, away.uri)
    train(home, "0")
    sender.follow(folder(home, "0"))
    wait_for(lambda: told)
    began = time.monotonic()
    train(home, "1")
    sender.follow(folder(home, "1"))
    assert time.monotonic() - began < 0.5
    sender.finish(1.0)
    assert time.monotonic() - began < 4
    first, last = told
    assert first.startswith("MLflow at http://me:***@127.0.0.1:")
    assert "does not answer (Failed to establish a new connection: [Errno 111] Connection refused)" in first
    assert "training goes on" in first and str(home) in first
    assert "has not been told all of 2 trials" in last and "the next run sends it" in last
    assert "hunter2" not in "".join(told)
    assert {run.info.status for run in children(home, tracking)} == {"FINISHED"}


def test_a_server_that_hangs_does_not_hold_up_the_end(home: Path, tmp_path: Path) -> None:
    told: list[str] = []
    with serving(hangs) as url:
        sender = started(home, told, Tracking(url, "1", "0" * 32), url)
        train(home, "0")
        sender.follow(folder(home, "0"))
        time.sleep(1.2)
        began = time.monotonic()
        sender.finish(0.5)
        assert time.monotonic() - began < 2
    assert "has not been told all of 1 trial" in told[-1]


@pytest.fixture
def restartable(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen]]:
    """Starts a real MLflow server, on the same port every time, and waits until it answers."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--workers", "1"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    running: list[subprocess.Popen] = []

    def start() -> subprocess.Popen:
        with (tmp_path / "server.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        running.append(process)
        process.url = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
        from nemesis_sweep.tracking.server import _answers

        wait_for(lambda: _answers(process.url), 120)  # type: ignore[attr-defined]
        return process

    yield start
    for process in running:
        kill(process)


def kill(process: subprocess.Popen) -> None:
    """The server and its workers, as a machine that loses its power."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


@pytest.mark.slow
def test_a_server_that_dies_again_and_again_loses_and_repeats_nothing(
    restartable: Callable[[], subprocess.Popen], tmp_path: Path
) -> None:
    """Trials go on while it is gone; when it is back each has one run with every epoch once."""
    server = restartable()
    url = server.url  # type: ignore[attr-defined]
    home = tmp_path / "home"
    told: list[str] = []
    sender = Sender(home, partial(prepare, home, "pan", "pan", url), told.append, url)
    sender.start()
    tracking = sender.ready(60)
    begin_sweep(home)

    def work(numbers: range) -> None:
        for number in numbers:
            sender.follow(folder(home, str(number)))
            train(home, str(number), epochs=20)
            time.sleep(0.05)

    worker = threading.Thread(target=work, args=(range(40),))
    worker.start()
    time.sleep(1.5)
    kill(server)
    worker.join(10)
    assert not worker.is_alive()  # Never held up.
    wait_for(lambda: any("does not answer" in line for line in told))
    server = restartable()
    wait_for(lambda: any("answers again" in line for line in told), 60)
    time.sleep(0.5)
    kill(server)
    sender.finish(3)
    assert "the next run sends it" in told[-1]
    server = restartable()
    with Sender(home, partial(prepare, home, "pan", "pan", url), told.append, url) as again:
        again.start()
        assert again.ready(60) == tracking
        finish_sweep(home, "FINISHED")
    runs = children(home, tracking)
    assert len(runs) == 40
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in runs:
        assert [step for step, _ in steps(tracking, run, "val/accuracy")] == list(range(1, 21))
        assert len(steps(tracking, run, "test/accuracy")) == 1
    assert len([line for line in told if "answers again" in line]) == 1


def test_a_home_that_cannot_be_looked_at_is_told_to_who_waits(home: Path, monkeypatch) -> None:
    def gone(place: Path) -> None:
        raise PermissionError(13, "Permission denied", str(place))

    monkeypatch.setattr("nemesis_sweep.tracking.sender.trial_folders", gone)
    sender = Sender(home, lambda: pytest.fail("MLflow is not got ready for it"), lambda line: None)
    sender.start()
    assert sender._asking.wait(10)
    with pytest.raises(PermissionError):
        sender.ready(10)
