"""A leaderboard as plain values, for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from nemesis_sweep.report.entry import Entry
from nemesis_sweep.report.leaderboard import TaskBoard
from nemesis_sweep.report.verdict import task_verdict


def board_values(board: TaskBoard) -> dict[str, Any]:
    """The table of one task: its rows with mean, std and n of val, test and gain, and the verdict in words.

    `front` holds the rest of the Pareto front; `selected` is the percent of drawn positions that PAN
    penalised. What is not finite is null, for JSON has no word for it.
    """
    values = {
        "study": board.study,
        "objectives": list(board.objectives),
        "complete": board.complete,
        "rows": [_entry(entry) for entry in board.entries],
        "front": [_entry(entry) for entry in board.front],
        "penalty_gain": None if board.penalty_gain is None else asdict(board.penalty_gain),
        "verdict": task_verdict(board),
    }
    found: dict[str, Any] = _finite(values)
    return found


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
