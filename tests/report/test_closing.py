from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from nemesis_sweep.report.closing import next_steps, print_closing
from nemesis_sweep.sweep.row import Row
from tests.report.conftest import boards_of


def closing(rows: list[Row], home: Path, uri: str | None = None) -> str:
    file = io.StringIO()
    print_closing(home, boards_of(rows), Console(file=file, width=60), uri)
    return file.getvalue()


def test_the_end_says_who_won_where_everything_is_and_what_to_type(rows: list[Row]) -> None:
    text = closing(rows, Path("/data/my sweeps/pan"))
    for part in (
        "best found (trial 1)",
        "/data/my sweeps/pan/results.parquet",
        "/data/my sweeps/pan/trials/STUDY/NUMBER/prompt.safetensors",
        "/data/my sweeps/pan/mlflow.db, artifacts in /data/my sweeps/pan/mlartifacts/",
        "nemesis-sweep ui '/data/my sweeps/pan'",
        "\nSee these tables again:        the same run command",
    ):
        assert part in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_a_server_is_named_without_its_password(rows: list[Row]) -> None:
    text = closing(rows, Path("/data/pan"), "https://me:secret@mlflow.example.org")
    assert "secret" not in text
    assert "https://me:***@mlflow.example.org" in text
    assert "ui /data" not in text
    assert "mlflow.db" not in text
    assert (
        "https://me:***@mlflow.example.org"
        in next_steps(Path("/x"), "https://me:secret@mlflow.example.org")[0]
    )


def test_a_joint_trial_has_a_prompt_for_each_task(rows: list[Row]) -> None:
    joint = [replace(row, study="joint", task=task) for row in rows for task in ("clipart", "mean")]
    text = closing(joint, Path("/data/pan"))
    assert "/data/pan/trials/joint/NUMBER/TASK/prompt.safetensors" in text
