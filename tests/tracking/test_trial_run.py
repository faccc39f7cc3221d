"""A trial's run, from its outbox to MLflow."""

from __future__ import annotations

import math
from pathlib import Path

import mlflow
import pytest

from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.delivery import Delivery
from nemesis_sweep.tracking.store import Tracking
from nemesis_sweep.tracking.sweep_run import STATUS, TRIALS, close_stale
from nemesis_sweep.tracking.trial_run import TrialRun, close_trial, tell_of_trial
from tests.tracking.shipping import ship

STUDY = "clipart-16shot"
TAGS = {"nemesis.baseline": "", "dataset": "clipart", "shots": "16", "backbone": "icon-clip"}


def folder(home: Path, number: str = "7") -> Path:
    place = home / TRIALS / STUDY / number
    place.mkdir(parents=True, exist_ok=True)
    return place


def opened(home: Path, number: str = "7", **params: object) -> TrialRun:
    return TrialRun.open(folder(home, number), params or {"omega": 3.5, "words": "w" * 9000}, TAGS)


def children(home: Path, tracking: Tracking) -> list:
    """The runs of all trials, once everything is sent."""
    ship(home, tracking)
    query = f"tags.`mlflow.parentRunId` = '{tracking.parent_run_id}'"
    return list(connect(tracking.uri).search_runs([tracking.experiment_id], query))


def steps(tracking: Tracking, run: mlflow.entities.Run, metric: str) -> list[tuple[int, float]]:
    history = connect(tracking.uri).get_metric_history(run.info.run_id, metric)
    return [(entry.step, entry.value) for entry in sorted(history, key=lambda entry: entry.step)]


def test_a_trial_is_a_child_with_its_tags_and_cut_parameters(home: Path, tracking: Tracking) -> None:
    opened(home)
    (run,) = children(home, tracking)
    assert run.info.run_name == f"7 {STUDY}"
    assert TAGS.items() <= run.data.tags.items()
    assert run.data.tags["nemesis.study"] == STUDY
    assert run.data.tags["nemesis.trial"] == f"{STUDY}/7"
    assert run.data.params["omega"] == "3.5"
    assert run.data.params["words"].endswith("[cut, 9000 characters]")


@pytest.mark.parametrize("left", ["RUNNING", "KILLED", "FAILED", "FINISHED"])
@pytest.mark.parametrize("sent", [True, False])
def test_a_resumed_trial_continues_in_the_same_run(
    home: Path, tracking: Tracking, left: str, sent: bool
) -> None:
    first = opened(home)
    for epoch in (1, 2, 3):
        first.log_epoch(epoch, {"val/accuracy": 50.0 + epoch, "train/loss": 1 / epoch})
    if left != "RUNNING":
        first.finish(left, reason="the driver died")
    if sent:
        (before,) = children(home, tracking)
        assert before.info.status == left
    second = opened(home)
    assert second.last_epoch == 3
    for epoch in (2, 3, 4):  # it goes on from the checkpoint of epoch 1
        second.log_epoch(epoch, {"val/accuracy": 50.0 + epoch, "train/loss": 1 / epoch})
    (run,) = children(home, tracking)
    assert not sent or run.info.run_id == before.info.run_id
    assert run.info.status == "RUNNING"
    assert "nemesis.reason" not in run.data.tags
    assert steps(tracking, run, "val/accuracy") == [(1, 51.0), (2, 52.0), (3, 53.0), (4, 54.0)]
    assert len(steps(tracking, run, "train/loss")) == 4


def test_what_an_epoch_lacked_is_added_later(home: Path, tracking: Tracking) -> None:
    run = opened(home)
    run.log_epoch(1, {"train/loss": 2.0})
    run.log_epoch(1, {"train/loss": 2.0, "val/accuracy": 40.0})
    (stored,) = children(home, tracking)
    assert steps(tracking, stored, "train/loss") == [(1, 2.0)]
    assert steps(tracking, stored, "val/accuracy") == [(1, 40.0)]


def test_waiting_epochs_are_written_with_the_next(home: Path, tracking: Tracking) -> None:
    run = opened(home)
    for epoch in (1, 2):
        run.log_epoch(epoch, {"train/loss": 1 / epoch}, wait=True)
    (stored,) = children(home, tracking)
    assert steps(tracking, stored, "train/loss") == []
    run.log_epoch(3, {"train/loss": 0.25, "val/accuracy": 40.0})
    run.log_epoch(4, {"train/loss": 0.125}, wait=True)
    run.finish("FINISHED")
    children(home, tracking)
    assert steps(tracking, stored, "train/loss") == [(1, 1.0), (2, 0.5), (3, 0.25), (4, 0.125)]


def test_finish_logs_final_metrics_once(home: Path, tracking: Tracking) -> None:
    run = opened(home)
    run.log_epoch(5, {"val/accuracy": 60.0, "norm/mean": 1.5})
    final = {"val/accuracy": 60.0, "test/accuracy": 58.25, "norm/mean": 1.25}
    run.finish("FINISHED", final)
    opened(home).finish("FINISHED", final)  # the driver died before it knew
    (stored,) = children(home, tracking)
    assert stored.info.status == "FINISHED"
    assert stored.data.metrics == final
    assert steps(tracking, stored, "val/accuracy") == [(5, 60.0)]
    assert steps(tracking, stored, "test/accuracy") == [(5, 58.25)]


def test_a_pruned_trial_has_its_state_and_the_reason_and_no_cross(home: Path, tracking: Tracking) -> None:
    reason = "pruned at epoch 6: 41.2 was not promising"
    for number, state in (("1", "PRUNED"), ("2", "FAIL")):
        opened(home, number).log_epoch(1, {"val/accuracy": 41.2})
        assert close_trial(folder(home, number), STATUS[state], reason, state)
    runs = {run.data.tags["nemesis.trial"].rpartition("/")[2]: run for run in children(home, tracking)}
    found = {number: (run.info.status, run.data.tags["state"]) for number, run in runs.items()}
    assert found == {"1": ("FINISHED", "PRUNED"), "2": ("FAILED", "FAIL")}
    assert {run.data.tags["nemesis.reason"] for run in runs.values()} == {reason}


def test_the_name_and_the_description_come_when_the_trial_is_over(home: Path, tracking: Tracking) -> None:
    run = TrialRun.open(folder(home), {"omega": 3.5}, TAGS, "omega 3.5")
    assert [each.info.run_name for each in children(home, tracking)] == ["omega 3.5"]
    run.finish("FINISHED", {"val/accuracy": 61.25})
    children(home, tracking)
    assert tell_of_trial(folder(home), "omega 3.5 · val 61.2", "It **won**.", {"seen": "yes"})
    assert not tell_of_trial(folder(home, "8"), "one that never began", "")
    (stored,) = children(home, tracking)
    assert (stored.info.run_name, stored.info.status) == ("omega 3.5 · val 61.2", "FINISHED")
    assert stored.data.tags["mlflow.note.content"] == "It **won**."
    assert stored.data.tags["seen"] == "yes"


def test_a_trial_costs_few_requests(home: Path, tracking: Tracking, monkeypatch: pytest.MonkeyPatch) -> None:
    """To begin: create, its parameters. A report: one. To end: one with all that is known, and the end."""
    store = connect(tracking.uri)._tracking_client.store
    asked: list[str] = []
    for name in ("create_run", "search_runs", "log_batch", "set_tag", "update_run_info", "get_run"):
        inner = getattr(store, name)
        monkeypatch.setattr(
            store, name, lambda *args, _n=name, _i=inner, **kwargs: (asked.append(_n), _i(*args, **kwargs))[1]
        )
    delivery = Delivery(folder(home), tracking, f"{STUDY}/7", new=True)
    run = opened(home, omega=3.5)
    delivery.send(connect(tracking.uri))
    begun, asked[:] = asked[:], []
    run.log_epoch(1, {"val/accuracy": 50.0}, wait=True)
    run.log_epoch(2, {"val/accuracy": 51.0})
    delivery.send(connect(tracking.uri))
    told, asked[:] = asked[:], []
    run.finish("FINISHED", {"test/accuracy": 50.5})
    tell_of_trial(folder(home), "", "It **won**.")
    delivery.send(connect(tracking.uri))
    assert begun == ["create_run", "log_batch"]
    assert told == ["log_batch"]
    assert asked == ["log_batch", "update_run_info"]


def test_a_new_trial_whose_answer_is_lost_is_found(
    home: Path, tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = connect(tracking.uri)._tracking_client.store
    create = store.create_run
    opened(home)
    delivery = Delivery(folder(home), tracking, f"{STUDY}/7", new=True)

    def loses(*args, **kwargs):
        create(*args, **kwargs)
        raise ConnectionError("reset by peer")

    with monkeypatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(store, "create_run", loses)
        delivery.send(connect(tracking.uri))
    delivery.send(connect(tracking.uri))
    assert len(children(home, tracking)) == 1


def test_numbers_that_are_not_finite_do_not_stop_the_log(home: Path, tracking: Tracking) -> None:
    run = opened(home)
    run.log_epoch(1, {"val/loss": math.nan, "val/accuracy": 10.0})
    run.finish("FAILED", {"val/loss": math.nan}, reason="not finite")
    (stored,) = children(home, tracking)
    assert math.isnan(stored.data.metrics["val/loss"])
    assert stored.info.status == "FAILED"


def test_prompts_are_kept_and_replaced(home: Path, tracking: Tracking, tmp_path: Path) -> None:
    run, place = opened(home), folder(home)
    with pytest.raises(FileNotFoundError, match="prompt"):
        run.log_files(place, "prompt")
    for text in ("first", "second"):
        (place / "prompt.json").write_text(text)
        (place / "prompt.safetensors").write_bytes(text.encode())
        run.log_files(place, "prompt")
        (stored,) = children(home, tracking)
    client = connect(tracking.uri)
    files = sorted(file.path for file in client.list_artifacts(stored.info.run_id, "prompt"))
    assert files == ["prompt/prompt.json", "prompt/prompt.safetensors"]
    local = client.download_artifacts(stored.info.run_id, "prompt/prompt.json", str(tmp_path))
    assert Path(local).read_text() == "second"


def test_nothing_global_in_mlflow_is_touched(home: Path, tracking: Tracking) -> None:
    before = mlflow.get_tracking_uri()
    opened(home).log_epoch(1, {"val/accuracy": 1.0})
    ship(home, tracking)
    assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() == before


def test_close_trial_ends_the_run_of_a_dead_worker_only(home: Path, tracking: Tracking) -> None:
    opened(home, "1")
    opened(home, "2").finish("FINISHED")
    assert close_trial(folder(home, "1"), "FAILED", "the worker died")
    assert not close_trial(folder(home, "2"), "FAILED", "the worker died")
    assert not close_trial(folder(home, "3"), "FAILED")
    states = {run.info.run_name: run.info.status for run in children(home, tracking)}
    assert states == {f"1 {STUDY}": "FAILED", f"2 {STUDY}": "FINISHED"}


def test_close_stale_ends_what_nobody_works_on(home: Path, tracking: Tracking) -> None:
    for number in ("1", "2", "3", "4"):
        opened(home, number)
    opened(home, "5").finish("FINISHED")
    ended = {f"{STUDY}/2": "COMPLETE", f"{STUDY}/3": "PRUNED", f"{STUDY}/4": "FAIL"}
    closed = close_stale(home, ended)
    assert closed == [f"{STUDY}/{number}" for number in (1, 2, 3, 4)]
    runs = {run.info.run_name.partition(" ")[0]: run for run in children(home, tracking)}
    states = {number: run.info.status for number, run in runs.items()}
    assert states == {"1": "KILLED", "2": "FINISHED", "3": "FINISHED", "4": "FAILED", "5": "FINISHED"}
    assert {number: run.data.tags["state"] for number, run in runs.items()} == {
        "1": "INTERRUPTED", "2": "COMPLETE", "3": "PRUNED", "4": "FAIL", "5": "COMPLETE",
    }  # fmt: skip
    assert "stopped while" in runs["1"].data.tags["nemesis.reason"]
    assert "nemesis.reason" not in runs["2"].data.tags
    assert connect(tracking.uri).get_run(tracking.parent_run_id).info.status == "RUNNING"
    assert close_stale(home) == []
