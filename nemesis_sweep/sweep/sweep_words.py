"""A sweep in MLflow in words, in Markdown: its experiment, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nemesis_sweep.spec.space import places
from nemesis_sweep.spec.sweep import JOINT, MEAN, Sweep
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.trial_words import number_text, table, what_it_trains

TEST = "test/accuracy"
BESIDE = ("coop", "zero_shot")
"""Baselines that stand beside the best."""


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


def sweep_note(sweep: Sweep, rows: Sequence[Row], best: Mapping[str, str]) -> str:
    """What a sweep came to: the best of every study beside plain CoOp and zero-shot.

    best: the number of the best trial, by study.
    """
    objective = sweep.search.objective[0]
    judged = {(row.study, row.number): row for row in rows if row.study != JOINT or row.task == MEAN}
    lines = []
    for study in sweep.studies():
        for number in dict.fromkeys((best.get(study, ""), *BESIDE)):
            row = judged.get((study, number))
            if row is not None and row.state == "COMPLETE":
                lines.append((study, *_line(row, number == best.get(study), (objective, TEST))))
    board = table(("task", "what", "trial", objective, TEST), lines)
    told = f"Bold is the best by `{objective}`; `{TEST}` was never used to choose."
    return f"# {sweep.name}\n\n{board}\n\n{told}\n"


def _line(row: Row, is_best: bool, metrics: Sequence[str]) -> list[str]:
    what = what_it_trains(row.number, row.baseline, row.params)
    measured = [(name, row.measured(name)) for name in metrics]
    cells = ["-" if value is None else number_text(name, value) for name, value in measured]
    return [f"**{what}**" if is_best else what, row.number, *cells]
