"""What workers end with, as Ray Tune tells it: the error of a trial, or that no worker could take it."""

from __future__ import annotations

from pathlib import Path

from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.sweep.cause import WORKERS, Cause

NO_WORKER = ("failed to import on the worker", "RuntimeEnvSetupError")
"""Ray's words where a worker could not even take a trial, whatever the trial is."""


class WorkerErrors:
    """The last error of every trial that runs."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self._no_worker: set[str] = set()

    def note(self, tune_id: str, log: Path | None) -> None:
        """Remember why a trial failed: the last line of its traceback, and the file that holds all of it."""
        told = ""
        if log is not None and log.is_file():
            told = log.read_text(encoding="utf-8", errors="replace").strip()
        last = told.splitlines()[-1].strip() if told else ""
        self._last[tune_id] = masked(f"{last} (all of it: {log})" if last else "the worker died")
        self._no_worker.discard(tune_id)
        if any(words in told for words in NO_WORKER):
            self._no_worker.add(tune_id)

    def take(self, tune_id: str) -> str:
        """The last error of a trial, '' where there was none; it is forgotten."""
        return self._last.pop(tune_id, "")

    def cause(self, tune_id: str, error: str) -> Cause | None:
        """The cause that all trials share, where the trial found no worker to take it."""
        return Cause(WORKERS, "", error) if tune_id in self._no_worker else None
