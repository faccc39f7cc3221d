"""What is told of a simulation, and kept of it: nothing without the word SIMULATED."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from nemesis_sweep.files.parquet import write_table
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.leaderboard import leaderboard
from nemesis_sweep.report.results import read_table, results_table, rows_of
from nemesis_sweep.report.study_counts import duration
from nemesis_sweep.report.table import print_leaderboard
from nemesis_sweep.spec.metrics import direction
from nemesis_sweep.spec.sweep import MEAN
from nemesis_sweep.sweep.beside import may_be_best
from nemesis_sweep.sweep.best import Candidate
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.watcher import Unmoved

NAME = "simulated.parquet"
MARK = "SIMULATED"
EVERY = 5.0
"""Seconds between two lines while it runs."""
DOUBLINGS = 6


class SimulationProgress(Unmoved, AbstractContextManager["SimulationProgress"]):
    """A line every few seconds: trials that are over, simulated time, rate.

    done, total: trials before and in the end. now: simulated seconds.
    """

    def __init__(
        self, done: int, total: int, now: Callable[[], float], console: Console, title: str = ""
    ) -> None:
        self._done, self._total, self._now = done, total, now
        self._console = console
        self._title = title
        self._began = self._told = time.monotonic()
        self._here = 0

    def __enter__(self) -> SimulationProgress:
        self._line(self._title)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._here:
            self._tell()

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
        """Count a trial, and tell how far it is when it is time."""
        self._here += 1
        if time.monotonic() - self._told >= EVERY:
            self._tell()

    def say(self, line: str) -> None:
        """Tell something that is about no trial's end."""
        self._line(line)

    def _tell(self) -> None:
        self._told = time.monotonic()
        rate = self._here / max(1e-9, self._told - self._began)
        done = f"{self._done + self._here}/{counted(self._total, 'trial')}"
        self._line(f"{MARK}: {done}, {hours(self._now())} simulated, {rate:.0f} trials/s")

    def _line(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True, highlight=False)


def best_found(rows: Iterable[Row], objective: str, seconds: float) -> list[tuple[float, int, float | None]]:
    """How good a study's best was, and after how much: (simulated seconds, trials ended, best so far).

    seconds: when the simulation ended. Times double from 1/64 of it; best: of complete trained trials, None
    before the first.
    """
    maximize = direction(objective) == "maximize"
    ended = sorted((row for row in rows if row.state != "RUNNING"), key=lambda row: row.ended or 0.0)
    curve, place, best = [], 0, None
    for doubling in range(DOUBLINGS, -1, -1):
        until = seconds / 2**doubling
        while place < len(ended) and (ended[place].ended or 0.0) <= until:
            row = ended[place]
            place += 1
            if row.state == "COMPLETE" and may_be_best(row.baseline):
                value = row.metrics[objective]
                best = value if best is None else max(best, value) if maximize else min(best, value)
        curve.append((until, place, best))
    return curve


def print_simulation(
    rows: Sequence[Row], objectives: Sequence[str], seconds: float, source: str, console: Console
) -> None:
    """Print the leaderboards, the best found against simulated time for every study, and the total."""
    objective = objectives[0]
    boards = leaderboard(rows, objectives)
    print_leaderboard(boards, console, f"{MARK} ")
    for board in boards:
        # Where the mean over tasks selects, it is the mean that a sampler is compared by.
        if board.mean_of and not board.is_mean:
            continue
        lines = [f"\n{MARK} {board.study}: best {objective} against simulated time", _columns()]
        own = [row for row in rows if (row.task == MEAN if board.is_mean else row.study == board.study)]
        lines += [_columns(*point) for point in best_found(own, objective, seconds)]
        console.print(Text("\n".join(lines)), soft_wrap=True, highlight=False)
    trials = len({(row.study, row.number) for row in rows})
    total = f"\n{MARK}: {counted(trials, 'trial')} in {hours(seconds)} of simulated time "
    total += f"({seconds:.0f} s). {source}"
    console.print(Text(total), soft_wrap=True, highlight=False)


def write_simulated(home: Path, rows: Iterable[Row]) -> Path:
    """Write `HOME/simulated.parquet`: results as of a real sweep, with the columns `simulated` and `ended`.

    `ended` is in simulated seconds. The file has neither the name nor the mark of real results, so nothing
    takes it for them.
    """
    rows = list(rows)
    table = results_table(rows)
    table = table.append_column("simulated", pa.array([True] * len(rows), pa.bool_()))
    table = table.append_column("ended", pa.array([row.ended for row in rows], pa.float64()))
    return write_table(home / NAME, table.replace_schema_metadata({"nemesis_sweep.simulated": "1"}))


def with_simulated(home: Path, rows: Iterable[Row]) -> list[Row]:
    """Complete trials with all that they measured, which the journal of a simulation does not have.

    rows: the trials as the journal has them. They stay as they are where the simulation has not written
    `HOME/simulated.parquet` since; what that file has and the journal has not is left out. Raises
    ``UserError`` for a file that cannot be read.
    """
    path, rows = home / NAME, list(rows)
    complete = {(row.study, row.number) for row in rows if row.state == "COMPLETE"}
    measured = rows_of(read_table(path)) if path.is_file() else []
    measured = [row for row in measured if (row.study, row.number) in complete and row.state == "COMPLETE"]
    known = {(row.study, row.number) for row in measured}
    return [*measured, *(row for row in rows if (row.study, row.number) not in known)]


def hours(seconds: float) -> str:
    """`12.3 h`, or minutes and seconds below one hour."""
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else duration(seconds)


def _columns(seconds: float | None = None, trials: int = 0, best: float | None = None) -> str:
    if seconds is None:
        return f"{'simulated hours':>15}  {'trials':>7}  {'best':>7}"
    return f"{seconds / 3600:>15.3g}  {trials:>7}  {'-' if best is None else format(best, '.2f'):>7}"
