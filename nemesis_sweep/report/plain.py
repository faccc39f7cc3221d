"""A leaderboard as plain values, for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from nemesis_sweep.report.confirmed import Confirmed
from nemesis_sweep.report.entry import Entry
from nemesis_sweep.report.kinds import Tried
from nemesis_sweep.report.leaderboard import TaskBoard
from nemesis_sweep.report.verdict import task_verdict


def board_values(board: TaskBoard) -> dict[str, Any]:
    """The table of one task: its rows with mean, std and n of val, test and gain, and the verdict in words.

    `front` holds the rest of the Pareto front, `kinds` the best of every kind of prompt by loss; `selected`
    is the percent of drawn positions that PAN penalised; `confirmed` what the best came to on fresh seeds.
    What is not finite is null, for JSON has no word for it.
    """
    values = {
        "study": board.study,
        "objectives": list(board.objectives),
        "complete": board.complete,
        "stopped": board.stopped,
        "rows": [_entry(entry) for entry in board.entries],
        "front": [_entry(entry) for entry in board.front],
        "kinds": {row.kind: {loss: _tried(each) for loss, each in row.tried.items()} for row in board.kinds},
        "confirmed": [_confirmed(each) for each in board.confirmed],
        "penalty_gain": None if board.penalty_gain is None else asdict(board.penalty_gain),
        "verdict": task_verdict(board),
    }
    found: dict[str, Any] = _finite(values)
    return found


def _tried(tried: Tried) -> dict[str, Any]:
    return {
        "best": _entry(tried.best),
        "control": None if tried.control is None else _entry(tried.control),
        "adds": None if tried.adds is None else asdict(tried.adds),
    }


def _confirmed(setting: Confirmed) -> dict[str, Any]:
    return {
        "trial": setting.number,
        "seeds": list(setting.seeds),
        "selected": None if setting.selected is None else _entry(setting.selected),
        "confirmed": _entry(setting.confirmed),
        "val_difference": setting.val_difference,
        "test_difference": setting.test_difference,
        "gain": None if setting.gain is None else asdict(setting.gain),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    values = asdict(entry)
    config, more = values.pop("config"), values.pop("more")
    return values | {"metrics": more, "config": config}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
