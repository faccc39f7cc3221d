"""The first results while Ray starts: rows that train nothing are measured by a process of our own.

It works as Ray's workers do, in the same folders and through the same broker. What it does not get done, they
do: the trial stays RUNNING and is handed out again.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from types import TracebackType
from typing import IO, Self

from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.result import Report

PATIENCE, POLL = 60.0, 0.5
"""Seconds that a row may take after workers have come up, and between two looks."""


class Ahead:
    """Measures the rows that train nothing one after the other, until there are no more of them or Ray's own
    workers are up; use with ``with``, which raises what went wrong at the broker."""

    def __init__(self, broker: TrialBroker) -> None:
        self.broker = broker
        self._over = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._work, name="ahead", daemon=True)
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        self._tune_id, self._config = "ahead-0", self.broker.next_reference("ahead-0")
        if self._config is not None:
            self._process = _start()
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._process is not None:
            self._process.kill()
            self._thread.join()
            self._process.wait()
        if self._error is not None and kind is None:
            raise self._error

    def _work(self) -> None:
        try:
            self._measure()
        except Exception as error:
            self._error = error
        finally:
            assert self._process is not None
            self._process.kill()  # It holds as much memory as a worker.

    def _measure(self) -> None:
        number = 0
        while self._config is not None:
            result = self._ask(self._config)
            if result is None:
                self.broker.put_back(self._tune_id)
                return
            self.broker.complete(self._tune_id, result)
            if self._over.is_set() or self.broker.workers_are_up:
                return
            number += 1
            self._tune_id = f"ahead-{number}"
            self._config = self.broker.next_reference(self._tune_id)

    def _ask(self, config: Values) -> Report | None:
        """What the process measured; nothing where it has ended or leaves it to a worker."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(config) + "\n")
            process.stdin.flush()
            if not self._answers(process.stdout):
                return None
            return Report.from_json(json.loads(process.stdout.readline()))
        except (OSError, ValueError):
            return None

    def _answers(self, output: IO[str]) -> bool:
        """Whether an answer has come; workers that are up can do it themselves after a while."""
        waited = 0.0
        while not select.select([output], [], [], POLL)[0]:
            waited += POLL * self.broker.workers_are_up
            if waited > PATIENCE:
                return False
        return True


def _start() -> subprocess.Popen[str]:
    """The process: without a GPU, out of reach of the signals that end a sweep, as Ray's own are."""
    return subprocess.Popen(
        [sys.executable, "-m", "nemesis_sweep.sweep.worker.ahead"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        start_new_session=True,
        text=True,
        encoding="utf-8",
    )
