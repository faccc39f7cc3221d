"""A sweep in MLflow in words, in Markdown: its experiment, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.space import places
from nemesis_sweep.spec.sweep import JOINT, MEAN, Sweep
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.trial_words import number_text, table, what_it_trains
from nemesis_sweep.tracking.delivery import RUN

TEST = "test/accuracy"
BESIDE = tuple(name for name, row in BASELINES.items() if row.usual and not row.last)
"""Baselines that stand beside the best."""
PICTURES = ("accuracy-over-shots", "slices", "parallel-coordinates")
"""Figures of the report that the description shows, by the names of their files."""


def experiment_note(sweep: Sweep) -> str:
    """What an experiment is about; links to its views are to follow."""
    tasks = sweep.tasks
    searched = ", ".join(dict.fromkeys(f"`{place.name}`" for place in places(sweep.space))) or "nothing"
    lines = [
        f"# {sweep.name}",
        f"{', '.join(tasks.dataset)} with {', '.join(map(str, tasks.shots))} shots on"
        f" {', '.join(tasks.backbone)}, {tasks.protocol}. Searched: {searched}; chosen by"
        f" `{sweep.search.objective[0]}`, never by the test set.",
    ]
    return "\n\n".join(lines) + "\n"


def sweep_note(sweep: Sweep, rows: Sequence[Row], pictures: Sequence[str] = ()) -> str:
    """What a sweep came to: the best of every study beside the usual baselines.

    pictures: artifacts of its run.
    """
    objective = sweep.search.objective[0]
    marked = mark_best(rows, sweep.search.objective)
    judged = [row for row in marked if row.study != JOINT or row.task == MEAN]
    shown = [row for row in judged if row.state == "COMPLETE" and (row.best or row.number in BESIDE)]
    lines = [(row.study, *_line(row, (objective, TEST))) for row in shown]
    board = table(("task", "what", "trial", objective, TEST), lines)
    told = f"Bold is the best by `{objective}`; `{TEST}` was never used to choose."
    images = [f"![{Path(each).stem}]({_address(each)})" for each in pictures]
    return "\n\n".join((f"# {sweep.name}", board, told, *images)) + "\n"


def _address(artifact: str) -> str:
    """Where MLflow's server has an artifact of this run."""
    return f"get-artifact?path={quote(artifact, safe='')}&run_uuid={RUN}"


def _line(row: Row, metrics: Sequence[str]) -> list[str]:
    what = what_it_trains(row.number, row.baseline, row.params)
    measured = [(name, row.measured(name)) for name in metrics]
    cells = ["-" if value is None else number_text(name, value) for name, value in measured]
    return [f"**{what}**" if row.best else what, row.number, *cells]
