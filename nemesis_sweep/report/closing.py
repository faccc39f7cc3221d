"""The last words of a run: the leaderboard, where everything is, what to type next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.messages.printable import printable, quoted
from nemesis_sweep.report.leaderboard import TaskBoard
from nemesis_sweep.report.results import NAME
from nemesis_sweep.report.table import print_leaderboard
from nemesis_sweep.tracking.location import artifacts, database

COMMAND = "nemesis-sweep"


def print_closing(
    home: Path, boards: Sequence[TaskBoard], console: Console, tracking_uri: str | None = None
) -> None:
    """Print the leaderboard, then where results, prompts and MLflow's records are and how to look at them.

    tracking_uri: the server or database that the sweep file names; None is the database in the home.
    """
    print_leaderboard(boards, console)
    console.print()
    kept = places(home, tracking_uri, joint=any(board.is_mean for board in boards))
    width = max(len(label) for label, _ in kept)
    for label, place in kept:
        console.print(Text(f"{label.ljust(width)}  {printable(place)}"), soft_wrap=True, highlight=False)
    console.print()
    for line in next_steps(home, tracking_uri):
        console.print(Text(line), soft_wrap=True, highlight=False)


def places(home: Path, tracking_uri: str | None = None, joint: bool = False) -> list[tuple[str, str]]:
    """Return what was kept and where, as (name, path or address); a joint trial has a prompt a task."""
    mlflow = f"{database(home)}, artifacts in {artifacts(home)}/"
    trial = "joint/NUMBER/TASK" if joint else "STUDY/NUMBER"
    return [
        ("Results", str(home / NAME)),
        ("Prompts", f"{home / 'trials'}/{trial}/prompt.safetensors"),
        ("MLflow", mlflow if tracking_uri is None else masked(tracking_uri)),
    ]


def next_steps(home: Path, tracking_uri: str | None = None) -> list[str]:
    """Return the commands worth typing now."""
    look = f"Compare the trials in MLflow:  {COMMAND} ui {quoted(home)}"
    if tracking_uri is not None:
        look = f"Compare the trials in MLflow:  {masked(tracking_uri)}"
    return [look, "See these tables again:        the same run command; what is done is never done twice"]
