"""`run --quiet`: errors, and at the end the answer and where everything is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import click

from nemesis_sweep.messages.printable import printable
from nemesis_sweep.sweep.watcher import Unmoved

if TYPE_CHECKING:
    from nemesis_sweep.report.leaderboard import TaskBoard
    from nemesis_sweep.sweep.best import Candidate


class OnlyErrors(Unmoved, AbstractContextManager["OnlyErrors"]):
    """Told by the runner what happens; tells of it only which trials failed, on stderr.

    What a trial waits for ends the run, as an error.
    """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is to be ended."""

    def trial_finished(
        self,
        study: str,
        number: str,
        state: str,
        value: float | None,
        seconds: float,
        reason: str = "",
        candidate: Candidate | None = None,
    ) -> None:
        """Tell of a trial that failed."""
        if state == "FAIL":
            from nemesis_sweep.report.study_counts import one_line, trial_name

            click.echo(printable(f"error: {study} {trial_name(number)} failed: {one_line(reason)}"), err=True)


def print_essentials(home: Path, boards: Sequence[TaskBoard]) -> None:
    """Print the answer, the home and the table of results; the report's path comes with the report."""
    from nemesis_sweep.report.results import NAME
    from nemesis_sweep.report.verdict import sweep_verdict

    click.echo(sweep_verdict(boards))
    click.echo(f"Home     {printable(home)}")
    click.echo(f"Results  {printable(home / NAME)}")
