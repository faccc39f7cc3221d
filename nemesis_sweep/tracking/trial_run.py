"""One trial in MLflow: what its worker says of it, and goes on to say after a crash, without MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nemesis_sweep.files.tensors_and_facts import TensorsAndFacts
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.spec.values import Values
from nemesis_sweep.tracking.outbox import CLOSE, FILES, METRICS, OPEN, TAGS, Event, Outbox, event
from nemesis_sweep.tracking.runs import Status


class TrialRun:
    """The MLflow run of one trial, written into the outbox of the trial's folder."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._waiting: list[Event] = []
        self._logged: dict[str, dict[int, float]] = {}
        self._last = 0
        for known in outbox.read()[0]:
            if known["event"] == METRICS:
                self._note(known)

    @classmethod
    def open(cls, folder: Path, params: Values, tags: Values, name: str = "") -> TrialRun:
        """Begin the trial's run, or continue it, whatever state it was left in.

        params: values of any kind; over-long ones are cut with a mark. tags: `nemesis.baseline`, `dataset`,
        `shots`, `backbone`; parent, study and trial are added when they are sent. name: of the run, by
        default number and study.
        """
        run = cls(Outbox(folder))
        run._outbox.append(event(OPEN, params=dict(params), tags=dict(tags), name=name))
        return run

    @property
    def last_epoch(self) -> int:
        """The highest epoch logged so far, 0 if there is none."""
        return max((step for steps in self._logged.values() for step in steps), default=0)

    def log_epoch(self, epoch: int, metrics: Mapping[str, float], *, wait: bool = False) -> None:
        """Log an epoch's metrics; what is already logged for this epoch is left as it is.

        wait: keep the metrics until the next call without `wait` (make that one before a checkpoint, or a
        crash leaves a gap) and write all at once.
        """
        self._add(
            epoch,
            {name: value for name, value in metrics.items() if epoch not in self._logged.get(name, {})},
        )
        if not wait:
            self._write()

    def log_files(self, folder: Path, kind: str, also: Sequence[str] = (), place: str = "") -> None:
        """Log `KIND.safetensors` and `KIND.json` of a folder as artifacts below `place`, by default the kind.

        kind: `prompt` or `reference`. folder: the trial's, or one in it. also: names of other files in it.
        Logged again they replace the former ones. Raises FileNotFoundError if one is missing.
        """
        files = (*TensorsAndFacts(kind).files, *also)
        for name in files:
            if not (folder / name).is_file():
                raise FileNotFoundError(folder / name)
        names = [str((folder / name).relative_to(self._outbox.folder)) for name in files]
        self._write(event(FILES, names=names, place=place or kind))

    def finish(
        self,
        status: Status,
        metrics: Mapping[str, float] | None = None,
        reason: str = "",
        *,
        epoch: int | None = None,
    ) -> None:
        """Log the final metrics at `epoch` (default: the last one logged) and end the run."""
        self.log_final(self.last_epoch if epoch is None else epoch, metrics or {})
        self._outbox.append(event(CLOSE, status=status, reason=masked(reason)))

    def log_final(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log metrics that differ from those logged for that epoch and take their place as the latest."""
        self._add(
            epoch,
            {
                name: value
                for name, value in metrics.items()
                if self._logged.get(name, {}).get(epoch) != float(value)
            },
        )
        self._write()

    def _add(self, epoch: int, metrics: Mapping[str, float]) -> None:
        if metrics:
            numbers = {name: float(value) for name, value in metrics.items()}
            told = event(METRICS, epoch=epoch, metrics=numbers)
            # Of two values of an epoch MLflow shows the later one.
            told = {**told, "time": max(told["time"], self._last + 1)}
            self._waiting.append(told)
            self._note(told)

    def _note(self, told: Event) -> None:
        self._last = told["time"]
        for name, value in told["metrics"].items():
            self._logged.setdefault(name, {})[told["epoch"]] = value

    def _write(self, *more: Event) -> None:
        waiting, self._waiting = [*self._waiting, *more], []
        if waiting:
            self._outbox.append(*waiting)


def close_trial(folder: Path, status: Status, reason: str = "", state: str = "") -> bool:
    """End the run of a trial whose worker cannot do it (it died); False if there is none that is open.

    state: in Optuna's words; by default what the status means.
    """
    outbox = Outbox(folder)
    if not outbox.is_open:
        return False
    outbox.append(event(CLOSE, status=status, reason=masked(reason), state=state))
    return True


def tell_of_trial(folder: Path, name: str, note: str, tags: Mapping[str, str] | None = None) -> bool:
    """Give the run of a trial its name and its description in Markdown; False of a trial that has no run."""
    outbox = Outbox(folder)
    if not outbox.size:
        return False
    outbox.append(event(TAGS, tags=dict(tags or {}), name=name, note=masked(note)))
    return True
