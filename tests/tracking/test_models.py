"""The best trial of a study as a model of MLflow: its metrics on the images that chose it, and on others."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from nemesis_sweep.tracking import delivery
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.models import CHOSEN, NEVER, NamedData, Winner
from nemesis_sweep.tracking.store import Tracking
from nemesis_sweep.tracking.sweep_run import mark_best
from tests.tracking.shipping import ship
from tests.tracking.test_trial_run import STUDY, children, opened, steps

VALIDATION = NamedData("digits validation", "a1b2", CHOSEN, 160, "episodes/x.json", ("val/accuracy",))
TEST = NamedData("digits test", "c3d4", NEVER, 1237, "episodes/x.json", ("test/accuracy",))


def winner(number: str) -> Winner:
    return Winner(
        f"{STUDY}/{number}", "digits-4shot/v1.0", {"omega": 3.5, "seeds": [1, 2]}, (VALIDATION, TEST)
    )


def models(tracking: Tracking) -> list:
    return list(connect(tracking.uri).search_logged_models([tracking.experiment_id]))


def test_the_best_becomes_a_model_once_with_metrics_on_two_datasets(home: Path, tracking: Tracking) -> None:
    run = opened(home, "1")
    run.log_epoch(5, {"val/accuracy": 61.0})
    run.finish("FINISHED", {"val/accuracy": 61.5, "test/accuracy": 58.25})
    mark_best(home, [winner("1")])
    (stored,) = children(home, tracking)
    mark_best(home, [winner("1")])  # As every later run of the sweep does.
    ship(home, tracking)
    (model,) = models(tracking)
    assert (model.name, model.source_run_id) == ("digits-4shot-v1-0", stored.info.run_id)
    assert model.status == "READY"
    assert model.params == {"omega": "3.5", "seeds": "[1, 2]"}
    found = {(each.dataset_name, each.key): each.value for each in model.metrics}
    assert found == {
        ("digits validation", "val/accuracy"): 61.5,
        ("digits test", "test/accuracy"): 58.25,
    }
    # The run's own curve is as it was.
    assert steps(tracking, stored, "test/accuracy") == [(5, 58.25)]


def test_a_model_that_was_only_begun_gets_what_it_lacks(
    home: Path, tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(home, "1").finish("FINISHED", {"val/accuracy": 61.5, "test/accuracy": 58.25})
    mark_best(home, [winner("1")])
    with monkeypatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(delivery, "finish_model", Mock(side_effect=ConnectionError))
        ship(home, tracking)
    (begun,) = models(tracking)
    assert (begun.status, begun.metrics or []) == ("PENDING", [])
    ship(home, tracking)
    (model,) = models(tracking)
    assert (model.model_id, model.status) == (begun.model_id, "READY")
    assert {each.key for each in model.metrics} == {"val/accuracy", "test/accuracy"}


def test_who_chose_on_what_is_in_the_inputs_of_the_run(home: Path, tracking: Tracking) -> None:
    opened(home, "1").finish("FINISHED", {"val/accuracy": 61.5})
    mark_best(home, [winner("1")])
    (stored,) = children(home, tracking)
    inputs = connect(tracking.uri).get_run(stored.info.run_id).inputs.dataset_inputs
    contexts = {each.dataset.name: each.tags[0].value for each in inputs}
    assert contexts == {
        "digits validation": "validation (chosen on)",
        "digits test": "test (never chosen on)",
    }


def test_another_best_trial_takes_the_mark_and_is_a_model_too(home: Path, tracking: Tracking) -> None:
    for number in ("1", "2"):
        opened(home, number).finish("FINISHED", {"val/accuracy": 61.5})
    mark_best(home, [winner("1")])
    ship(home, tracking)
    mark_best(home, [winner("2")])
    marks = {run.data.tags["nemesis.trial"]: run.data.tags["best"] for run in children(home, tracking)}
    assert marks == {f"{STUDY}/1": "", f"{STUDY}/2": "yes"}
    assert len(models(tracking)) == 2


def test_more_winners_than_one_answer_holds_are_models_once(
    home: Path, tracking: Tracking, monkeypatch
) -> None:
    monkeypatch.setattr("nemesis_sweep.tracking.models.AT_ONCE", 2)
    several = [winner(number) for number in "123"]
    for each in several:
        opened(home, each.trial.rpartition("/")[2]).finish("FINISHED", {"val/accuracy": 61.5})
    for _ in range(2):
        mark_best(home, several)
        ship(home, tracking)
    assert len(models(tracking)) == 3
