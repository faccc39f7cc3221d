"""How often MLflow is asked: at most twice for a trial and for each report of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.delivery import Delivery
from nemesis_sweep.tracking.store import Tracking
from nemesis_sweep.tracking.sweep_run import mark_best
from tests.tracking.shipping import ship
from tests.tracking.test_models import winner
from tests.tracking.test_trial_run import STUDY, children, folder, opened

REQUESTS = (
    *("create_run", "get_run", "search_runs", "update_run_info", "get_experiment"),
    *("log_batch", "set_tag", "log_inputs", "search_logged_models"),
    *("create_logged_model", "get_logged_model", "finalize_logged_model"),
)


@pytest.fixture(name="asked")
def _asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the store was asked for; what it asks itself for in answering does not count."""
    told: list[str] = []
    answering = [False]

    def counting(name: str, method: Any) -> Any:
        @wraps(method)
        def counted(*given: Any, **named: Any) -> Any:
            if answering[0]:
                return method(*given, **named)
            told.append(name)
            answering[0] = True
            try:
                return method(*given, **named)
            finally:
                answering[0] = False

        return counted

    for name in REQUESTS:
        monkeypatch.setattr(SqlAlchemyStore, name, counting(name, getattr(SqlAlchemyStore, name)))
    yield told


def test_a_trial_is_told_in_few_requests(home: Path, tracking: Tracking, asked: list[str]) -> None:
    run, place, client = opened(home), folder(home), connect(tracking.uri)
    delivery = Delivery(place, tracking, f"{STUDY}/7", new=True)
    for epoch in (1, 2, 3):
        run.log_epoch(epoch, {"val/accuracy": 50.0 + epoch})
        delivery.send(client)
    assert asked == ["create_run", "log_batch", "log_batch", "log_batch"]
    asked.clear()
    for name in ("prompt.safetensors", "prompt.json"):
        (place / name).write_text("7")
    run.log_files(place, "prompt")
    run.finish("FINISHED", {"test/accuracy": 51.5})
    delivery.send(client)
    assert asked == ["log_batch", "update_run_info"]
    asked.clear()
    run.log_files(place, "prompt", place="records")
    Delivery(place, tracking, f"{STUDY}/7").send(client)  # A later run of the sweep goes on.
    assert asked == ["get_run"]


def test_a_model_takes_four_requests_and_all_of_them_one(
    home: Path, tracking: Tracking, asked: list[str]
) -> None:
    for number in ("1", "2"):
        opened(home, number).finish("FINISHED", {"val/accuracy": 61.5})
    assert len(children(home, tracking)) == 2
    asked.clear()
    mark_best(home, [winner("1"), winner("2")])
    ship(home, tracking)
    of_one = ["log_inputs", "create_logged_model", "log_batch", "finalize_logged_model"]
    assert [each for each in asked if each != "get_run"] == ["search_logged_models", *of_one, *of_one]
