"""The sweep while it runs: a live view in a terminal, one plain line per event anywhere else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.cells import params_text
from nemesis_sweep.report.study_counts import RunningTrial, StudyCounts, duration, one_line, trial_name
from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.best import Candidate

# Lines of the view that are no trials or studies: headings, rules, blank and summing-up lines, the cursor's.
FRAME_LINES = 10
QUIET = 60.0
"""Seconds without any line after which one says what is running; a terminal has the live view."""
STARTING = "starting Ray and its workers"
SHOWN = 4
"""Running trials that such a line names at most."""
NARROW = 110
"""Columns of a terminal below which a study's name and its best need all the room."""


class Progress(AbstractContextManager["Progress"]):
    """Told by the runner what happens, shows it; may be told from one thread while another draws.

    metric: what is shown of a running trial.
    """

    def __init__(
        self,
        studies: Iterable[StudyCounts],
        *,
        console: Console | None = None,
        metric: str = "val/accuracy",
        clock: Callable[[], float] = time.monotonic,
        quiet: float = QUIET,
    ) -> None:
        """Take the studies as they stand before the first trial of this run.

        quiet: seconds after the last plain line when one tells what is running.
        """
        self.console = console or Console()
        self.studies = {study.study: study for study in studies}
        self.running: dict[tuple[str, str], RunningTrial] = {}
        self._metric = metric
        self._clock = clock
        self._started = self._told = clock()
        self._quiet = quiet
        self._over = threading.Event()
        self._finished_here = 0
        self._lock = threading.RLock()
        self._live: Live | None = None
        self._teller: threading.Thread | None = None
        done, budget = self._totals()
        self._stage = "" if done >= budget else STARTING

    def __enter__(self) -> Progress:
        """Begin to show."""
        self._started = self._clock()
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self._live = Live(console=self.console, refresh_per_second=4, get_renderable=self.view)
            self._live.start()
        else:
            count = counted(len(self.studies), "study", "studies")
            done, budget = self._totals()
            before = f"{count}, {counted(budget, 'trial')}, {done} of them done before"
            self._line(f"{before}; {self._stage}" if self._stage else before)
            self._over.clear()
            self._teller = threading.Thread(target=self._keep_telling, name="progress", daemon=True)
            self._teller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop to show; the last view stays on the screen."""
        self._over.set()
        if self._teller is not None:
            self._teller.join()  # Else a line that it has begun could come behind the last one.
            self._teller = None
        if self._live is not None:
            self._live.stop()
            self._live = None

    def trial_started(self, study: str, number: str, params: Values) -> None:
        """Show a trial as running; a trial that starts again begins anew."""
        with self._lock:
            if (study, number) not in self.running:
                self.studies[study].running += 1
            self.running[study, number] = RunningTrial(study, number, params)

    def epoch(self, study: str, number: str, epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
        """Show how far a trial is; what an epoch did not measure stays as it was."""
        with self._lock:
            trial = self.running.get((study, number))
            self._stage = ""
            if trial is not None:
                trial.epoch, trial.epochs = epoch, epochs
                trial.metrics = {**trial.metrics, **metrics}

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
        """Count a trial that ended as COMPLETE, PRUNED or FAIL and tell it.

        reason: of a complete trial that it breaks a constraint. candidate: None where it cannot be the best.
        """
        lines = []
        with self._lock:
            trial = self.running.pop((study, number), None)
            counts = self.studies[study]
            counts.running -= trial is not None
            counts.count(state, candidate)
            self._finished_here += 1
            if trains_prompt(number):  # Those are measured while workers start.
                self._stage = ""
            if self._live is None or state == "FAIL":
                lines.append(self._trial_line(counts, number, state, value, seconds, reason, trial))
            if self._live is None and counts.left == 0 and counts.running == 0:
                lines.append(_study_line(counts))
        # Printed without the lock: the drawing thread holds the console's while it asks for ours.
        for line in lines:
            self._line(line)

    def trial_waits(self, study: str, number: str, reason: str) -> None:
        """Show a trial no longer as running: it is neither over nor failed, another run goes on with it.

        reason: told in a line unless it is empty.
        """
        with self._lock:
            self.studies[study].running -= self.running.pop((study, number), None) is not None
        if reason:
            self._line(f"{study} {trial_name(number)} waits for another run: {one_line(reason)}")

    def doing(self, stage: str) -> None:
        """Show what is being waited for, until a trial trains."""
        with self._lock:
            self._stage = stage
        if self._live is None:
            self._line(stage)

    def say(self, line: str) -> None:
        """Tell something that is about no trial's end."""
        self._line(line)

    def tell_if_quiet(self) -> None:
        """Tell in a plain line what is running, when nothing has been told for a while."""
        with self._lock:
            quiet = self._clock() - self._told >= self._quiet
            line = self._running_line() if quiet else ""
        if quiet:
            self._line(line)

    def _keep_telling(self) -> None:
        while not self._over.wait(self._quiet / 60):
            self.tell_if_quiet()

    def _running_line(self) -> str:
        head = self._head().plain
        trials = list(self.running.values())
        told = []
        for trial in trials[:SHOWN]:
            epoch = f" at epoch {trial.epoch}/{trial.epochs}" if trial.epochs else ""
            best = _best_of(self.studies[trial.study])
            told.append(
                f"{trial.study} {trial_name(trial.number)}{epoch}" + (f" (best {best})" if best else "")
            )
        if len(trials) > SHOWN:
            told.append(f"and {len(trials) - SHOWN} more")
        return f"{head}: {'; '.join(told)}" if told else head

    @property
    def rate(self) -> float:
        """Trials per second that ended in this run; 0 before the first."""
        elapsed = self._clock() - self._started
        return self._finished_here / elapsed if elapsed > 0 else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds until all budgets are spent at this rate; None before the first trial has ended."""
        left = sum(study.left for study in self.studies.values())
        return left / self.rate if self.rate > 0 else None

    def view(self) -> RenderableType:
        """Return the live view; what does not fit the terminal's height is summed up in a line."""
        with self._lock:
            room = max(2, (self.console.height - FRAME_LINES) // 2)
            return Group(self._head(), "", self._study_table(room), "", self._running_table(room))

    def _head(self) -> Text:
        done, budget = self._totals()
        eta = "ETA -" if self.eta is None else f"ETA {duration(self.eta)}"
        elapsed = duration(self._clock() - self._started)
        running = [f"{len(self.running)} running"] if self.running or not self._stage else []
        doing = [self._stage] if self._stage else []
        parts = [f"{done}/{counted(budget, 'trial')}", *running, *doing, f"{elapsed} so far"]
        return Text(", ".join([*parts, f"{60 * self.rate:.1f} trials/min", eta]), "bold")

    def _study_table(self, room: int) -> Table:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("study", overflow="ellipsis", no_wrap=True)
        narrow = self.console.width < NARROW
        for name in ("done", *(() if narrow else ("complete", "pruned", "failed", "running")), "best"):
            table.add_column(name, justify="right", no_wrap=True)
        # Open studies first: what is over is what can be left out.
        studies = sorted(self.studies.values(), key=lambda study: study.left == 0)
        for study in studies[:room]:
            best = _best_of(study) or "-"
            numbers = () if narrow else (study.complete, study.pruned, study.failed, study.running)
            table.add_row(
                Text(study.study),
                f"{study.done}/{study.budget}",
                *map(str, numbers),
                Text(best, "green" if study.best is not None else ""),
            )
        if len(studies) > room:
            table.add_row(Text(f"... and {len(studies) - room} more", "dim"))
        return table

    def _running_table(self, room: int) -> RenderableType:
        if not self.running:
            return Text("")
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("running", no_wrap=True)
        table.add_column("epoch", justify="right", no_wrap=True)
        table.add_column(self._metric, justify="right", no_wrap=True)
        # The one column that may be cut: rich takes room from those first that may wrap.
        table.add_column("parameters", overflow="ellipsis")
        trials = list(self.running.values())
        for trial in trials[:room]:
            epoch = f"{trial.epoch}/{trial.epochs}" if trial.epochs else "-"
            value = trial.metrics.get(self._metric)
            table.add_row(
                Text(f"{trial.study} {trial_name(trial.number)}"),
                epoch,
                "-" if value is None else f"{value:.2f}",
                Text(params_text(trial.params), no_wrap=True, overflow="ellipsis"),
            )
        if len(trials) > room:
            table.add_row(Text(f"... and {len(trials) - room} more", "dim"))
        return table

    def _trial_line(
        self,
        counts: StudyCounts,
        number: str,
        state: str,
        value: float | None,
        seconds: float,
        reason: str,
        trial: RunningTrial | None,
    ) -> str:
        done, budget = self._totals()
        told = f"[{done}/{budget}] {counts.study} {trial_name(number)} {state.lower()}"
        if value is not None and state != "FAIL":
            told += f" {self._metric} {value:.2f}"
        told += f" in {seconds:.1f} s"
        if reason:
            told += f": {one_line(reason)}"
        params = params_text(trial.params) if trial is not None else ""
        return f"{told} ({params})" if params else told

    def _totals(self) -> tuple[int, int]:
        studies = self.studies.values()
        return sum(study.done for study in studies), sum(study.budget for study in studies)

    def _line(self, text: str) -> None:
        self._told = self._clock()
        self.console.print(Text(text), soft_wrap=True, highlight=False)


def _study_line(counts: StudyCounts) -> str:
    best = _best_of(counts)
    found = f"best {best}" if best else "nothing completed"
    ended = f"{counts.complete} complete, {counts.pruned} pruned, {counts.failed} failed"
    return f"{counts.study} done: {ended}; {found}"


def _best_of(counts: StudyCounts) -> str:
    """The best of a study so far, '' when there is none."""
    return "" if counts.best is None else f"{counts.best.values[0]:.2f} ({trial_name(counts.best.number)})"
