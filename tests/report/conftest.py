"""Results of trials, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from nemesis_sweep.report.leaderboard import TaskBoard, leaderboard
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.row import Row


def row(
    number: str,
    val: list[float],
    test: list[float],
    *,
    baseline: str = "",
    omega: float = 1.0,
    loss: float = 1.0,
    study: str = "clipart-16shot",
    **more: Any,
) -> Row:
    """The row of a trial with these accuracies per replicate."""
    searched = {} if baseline in ("zero_shot", "coop") else {"omega": omega, "n_ctx": 8}
    metrics = {
        "val/accuracy": sum(val) / len(val),
        "test/accuracy": sum(test) / len(test),
        "val/loss": loss,
    }
    told = {
        "dataset": "clipart",
        "shots": 16,
        "backbone": "icon-clip",
        "protocol": "few_shot",
        "baseline": baseline,
        "params": searched,
        "config": {"prompt": "coop", "n_ctx": 16, "beta": 0.0, "omega": omega},
        "seeds": list(range(1, len(val) + 1)),
        "epochs": 50,
        "metrics": metrics,
        "replicates": {"val/accuracy": val, "test/accuracy": test},
        "seconds": 12.5,
    }
    return Row(study=study, number=number, **{**told, **more})


def boards_of(rows: Iterable[Row], objectives: Sequence[str] = ("val/accuracy",)) -> list[TaskBoard]:
    """The leaderboards of rows among which the best has not been chosen yet."""
    return leaderboard(mark_best(rows, objectives), objectives)


@pytest.fixture
def make_row() -> Callable[..., Row]:
    return row


@pytest.fixture
def rows() -> list[Row]:
    """One task: the three baselines, a trial that beats them, one that was pruned and one that failed."""
    return [
        row("zero_shot", [40.0, 42.0, 44.0], [41.0, 41.0, 41.0], baseline="zero_shot", omega=0.0, epochs=0),
        row("coop", [60.0, 62.0, 61.0], [58.0, 60.0, 59.0], baseline="coop", omega=0.0),
        row("0", [61.0, 62.0, 63.0], [57.0, 60.0, 60.0], baseline="paper", omega=10.0),
        row("1", [64.0, 65.0, 66.0], [60.0, 63.0, 63.0], omega=3.1623),
        row("2", [70.0], [70.0], state="PRUNED", reason="pruned at epoch 5"),
        row("3", [90.0], [90.0], state="FAIL", reason="out of memory"),
    ]
