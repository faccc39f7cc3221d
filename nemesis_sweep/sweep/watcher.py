"""What a sweep tells the person who watches it."""

from collections.abc import Mapping
from typing import Protocol

from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.best import Candidate


class Progress(Protocol):
    """The live view, plain lines, or whoever else wants to know."""

    def trial_started(self, study: str, number: str, params: Values) -> None: ...

    def epoch(
        self, study: str, number: str, epoch: int, epochs: int, metrics: Mapping[str, float]
    ) -> None: ...

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
        """candidate: where the trial may be the best of its study."""

    def trial_waits(self, study: str, number: str, reason: str) -> None: ...

    def doing(self, stage: str) -> None: ...

    def say(self, line: str) -> None: ...


class Unmoved:
    """Base of those who want to know little: of everything nothing is told."""

    def trial_started(self, study: str, number: str, params: Values) -> None:
        """Nothing."""

    def epoch(self, study: str, number: str, epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
        """Nothing."""

    def trial_waits(self, study: str, number: str, reason: str) -> None:
        """Nothing."""

    def doing(self, stage: str) -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""
