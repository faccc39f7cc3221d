"""The one place that talks to MLflow while a sweep runs: a thread beside the driver that sends outboxes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from nemesis_sweep.files.current_folder import leave_if_lost
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.delivery import Delivery
from nemesis_sweep.tracking.location import KEY, OWN_URI
from nemesis_sweep.tracking.reasons import reason
from nemesis_sweep.tracking.store import Tracking
from nemesis_sweep.tracking.sweep_run import TRIALS, trial_folders

EVERY = 5.0
"""Seconds between two looks at the outboxes: what came in between goes together, in few requests."""
LONGEST = 15.0
"""Seconds, at most, between two tries while MLflow does not answer."""
PATIENCE = 10.0
"""Seconds that a run waits, at its start for an answer and at its end for what is left to be sent."""
REFUSED_AGAIN = 60.0
"""Seconds after which what MLflow refused is tried once more."""


_ONE = threading.Lock()
"""A sender that was given up while it waited for an answer is done with it before another one begins."""


class SilentError(Exception):
    """MLflow answers nothing at all."""


class Sender:
    """Gets MLflow ready, then sends every outbox of a home as it grows. Training never waits for it.

    prepare: gets MLflow ready, in the thread. say: told once when MLflow stops to answer, once when it
    answers again, and at the end what it has not been told; may be replaced while the thread runs.
    :meth:`finish`, or leaving a `with` block, ends the thread after a bounded wait.
    """

    def __init__(
        self,
        home: Path,
        prepare: Callable[[], Tracking],
        say: Callable[[str], None],
        uri: str | None = None,
    ) -> None:
        self.say = say
        self._home = home
        self._prepare = prepare
        self._name = masked(uri or OWN_URI)
        self._place: Future[Tracking] = Future()
        self._asking = threading.Event()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._stopped = threading.Event()
        self._new: deque[Path] = deque()
        self._waiting: dict[Path, Delivery] = {}
        self._refused: dict[Path, tuple[float, str]] = {}
        self._earlier: dict[Path, None] = {}  # An ordered set.
        self._silent = ""
        self._moved = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="mlflow-sender", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *exc: object) -> None:
        self.finish()

    def ready(self, patience: float | None = None) -> Tracking:
        """Where the sweep is recorded, once MLflow is ready.

        patience: seconds that MLflow may take to answer, the import of its package aside; None is no limit.
        Raises ``UserError`` if it does not answer, or refuses the sweep.
        """
        self._asking.wait()
        try:
            return self._place.result(patience)
        except TimeoutError:
            message = f"MLflow at {self._name} did not answer within {patience:.0f} s"
            raise UserError(Problem(message, key=KEY)) from None

    def follow(self, folder: Path) -> None:
        """Send the outbox of a trial's folder, from now on, as it grows."""
        self._new.append(folder)

    def finish(self, patience: float = PATIENCE) -> None:
        """Send what is left and end. What cannot be sent is told and left to the next run.

        patience: seconds without any progress after which it is left; Ctrl-C leaves it at once.
        """
        self._ending.set()
        self._wake.set()
        self._moved = time.monotonic()
        try:
            while self._thread.is_alive() and time.monotonic() < self._moved + patience:
                self._thread.join(0.05)
        except KeyboardInterrupt:
            pass
        first = not self._stopped.is_set()
        self._stopped.set()
        self._wake.set()
        if first and self._place.done() and not self._place.exception():
            self._tell_what_is_left()

    def _work(self) -> None:
        try:
            self._earlier = dict.fromkeys(trial_folders(self._home))
            import mlflow  # noqa: F401  (a matter of seconds that is none of the server's)

            self._asking.set()
            place = self._prepared()
        except BaseException as error:
            self._asking.set()
            self._place.set_exception(error)
            return
        self._place.set_result(place)
        self._gather(place)
        pause = EVERY
        while not self._stopped.is_set():
            ending = self._ending.is_set()
            try:
                self._round(place)
                pause = EVERY
                if ending:
                    return
            except SilentError:
                pause = EVERY if ending else min(LONGEST, 2 * pause)
            # Woken early when the run ends.
            if not self._wake.wait(pause) or self._stopped.is_set():
                continue
            self._wake.clear()

    def _prepared(self) -> Tracking:
        """MLflow made ready. It asks for the current folder, which may vanish: where nodes share a disk, Ray
        unpacks a job's anew."""
        leave_if_lost()
        try:
            return self._prepare()
        except UserError:
            if not leave_if_lost():
                raise
            return self._prepare()

    def _gather(self, place: Tracking) -> None:
        """Find what earlier runs left."""
        for folder in self._earlier:
            delivery = self._delivery(folder, place)
            if delivery.waits:
                self._waiting[folder] = delivery

    def _delivery(self, folder: Path, place: Tracking) -> Delivery:
        trial = folder.relative_to(self._home / TRIALS).as_posix()
        return Delivery(folder, place, trial, new=folder not in self._earlier)

    def _round(self, place: Tracking) -> None:
        """Send what waits, one outbox after the other."""
        leave_if_lost()
        own = self._waiting.pop(self._home, None) or Delivery(self._home, place)
        while self._new:
            folder = self._new.popleft()
            self._waiting.setdefault(folder, self._delivery(folder, place))
        # The sweep's own run last: where it has ended, its trials have.
        self._waiting[self._home] = own
        for folder, delivery in list(self._waiting.items()):
            if self._stopped.is_set():
                return
            if delivery.waits and (self._ending.is_set() or self._may_try(folder)):
                self._send(folder, delivery, place)
            if delivery.ended and not delivery.waits and folder != self._home:
                del self._waiting[folder]

    def _send(self, folder: Path, delivery: Delivery, place: Tracking) -> None:
        try:
            with _ONE:
                if self._stopped.is_set():
                    return
                delivery.send(connect(place.uri))
        except Exception as error:
            if not self._answers(place):
                self._tell_silence(error)
                raise SilentError from error
            self._refused[folder] = time.monotonic(), reason(error)
            return
        self._refused.pop(folder, None)
        self._moved = time.monotonic()
        if self._silent:
            self._silent = ""
            self.say(f"MLflow at {self._name} answers again; what waited is sent now")

    def _may_try(self, folder: Path) -> bool:
        refused, _ = self._refused.get(folder, (0.0, ""))
        return not refused or time.monotonic() > refused + REFUSED_AGAIN

    def _answers(self, place: Tracking) -> bool:
        """Whether MLflow still knows the sweep: then only what one run was to be told is at fault."""
        try:
            connect(place.uri).get_run(place.parent_run_id)
        except Exception:
            return False
        return True

    def _tell_silence(self, error: Exception) -> None:
        if not self._silent:
            self._silent = reason(error)
            told = f"MLflow at {self._name} does not answer ({self._silent})"
            self.say(f"{told}; training goes on, and what MLflow is to be told waits in {self._home}")

    def _tell_what_is_left(self) -> None:
        left = [folder for folder, delivery in list(self._waiting.items()) if delivery.waits]
        left += [folder for folder in self._new if folder not in left]
        if not left:
            return
        trials = [folder for folder in left if folder != self._home]
        whom = counted(len(trials), "trial") if trials else "the sweep's end"
        reasons = [self._silent, *(why for _, why in self._refused.values())]
        why = next((f" ({each})" for each in reasons if each), "")
        self.say(
            f"MLflow at {self._name} has not been told all of {whom}{why}; it waits in {self._home},"
            " and the next run sends it"
        )
