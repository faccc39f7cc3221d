"""The sweep's own MLflow run, and the trials below it that nobody works on any more: what is said of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.tracking.models import Winner
from nemesis_sweep.tracking.outbox import (
    BEST,
    CLOSE,
    FILE,
    FILES,
    METRICS,
    OPEN,
    TAGS,
    VIEWS,
    Outbox,
    event,
)
from nemesis_sweep.tracking.runs import Status
from nemesis_sweep.tracking.trial_run import close_trial
from nemesis_sweep.tracking.views import View

TRIALS = "trials"
"""The folder of a home with the folders of its trials, `STUDY/NUMBER`."""
RECORDS = "records"
"""The folder in that of a trial, or of a task of a joint one, with what MLflow gets beside its prompt."""

# What a trial's end in Optuna means for its run. MLflow shows KILLED with the red cross of FAILED, and a
# pruned trial is no failure: its tag `state` tells it.
STATUS: Mapping[str, Status] = {"COMPLETE": "FINISHED", "PRUNED": "FINISHED", "FAIL": "FAILED"}


def begin_sweep(home: Path) -> None:
    """Say that the sweep begins, or goes on."""
    Outbox(home).append(event(OPEN))


def finish_sweep(
    home: Path, status: Status, metrics: Mapping[str, float] | None = None, reason: str = ""
) -> None:
    """Log summary metrics (`best/TASK`, counts, seconds) on the sweep's run and end it."""
    outbox = Outbox(home)
    if metrics:
        outbox.append(event(METRICS, epoch=0, metrics=dict(metrics)))
    outbox.append(event(CLOSE, status=status, reason=masked(reason)))


def log_files(home: Path, files: Iterable[Path], place: str | None = None) -> None:
    """Put files of the home (sweep.yaml, environment.json, episodes) beside the sweep's run, or below."""
    names = [str(file.relative_to(home)) for file in files]
    Outbox(home).append(event(FILES, names=names, place=place))


def offer_views(home: Path, views: Sequence[View], note: str) -> None:
    """Bring views of the sweep into its experiment, and the description of that, in Markdown."""
    Outbox(home).append(event(VIEWS, views=[view.to_plain() for view in views], note=masked(note)))


def offered_views(home: Path) -> list[View]:
    """The views that a sweep brought last; none of an earlier version's."""
    told = [each for each in Outbox(home).read()[0] if each["event"] == VIEWS]
    return [View.from_plain(view) for view in told[-1]["views"]] if told else []


def describe_sweep(home: Path, note: str) -> None:
    """Give the sweep's own run its description, in Markdown."""
    Outbox(home).append(event(TAGS, tags={}, note=masked(note)))


def mark_best(home: Path, winners: Sequence[Winner]) -> None:
    """Mark the best trials of all studies, and no longer those that were it before."""
    found = {winner.trial for winner in winners}
    gone = [name for name in best_of(home) if name not in found]
    Outbox(home).append(event(BEST, winners=[winner.to_plain() for winner in winners], former=gone))


def best_of(home: Path) -> list[str]:
    """The best trials of all studies (`STUDY/NUMBER`), as they were marked last."""
    told = [each["winners"] for each in Outbox(home).read()[0] if each["event"] == BEST]
    return [winner["trial"] for winner in told[-1]] if told else []


def log_records(home: Path) -> list[Path]:
    """Put the records of the best trials beside their runs; the folders of those that have some."""
    found = []
    for folder in (home / TRIALS / name for name in best_of(home)):
        places = sorted({file.parent for file in folder.glob(f"**/{RECORDS}/*") if file.is_file()})
        for place in places:
            names = [str(file.relative_to(folder)) for file in sorted(place.iterdir()) if file.is_file()]
            task = place.parent.relative_to(folder)
            Outbox(folder).append(event(FILES, names=names, place=str(RECORDS / task)))
        found += [folder] if places else []
    return found


def trial_folders(home: Path) -> Iterator[Path]:
    """The folders of all trials of which MLflow is told, in the order of their names."""
    return (outbox.parent for outbox in sorted((home / TRIALS).glob(f"**/{FILE}")))


def close_stale(
    home: Path,
    ended: Mapping[str, str] | None = None,
    reason: str = "the sweep stopped while this trial was running",
) -> list[str]:
    """End the runs of trials that nobody works on, and return their names (`STUDY/NUMBER`), sorted.

    ended: the state (COMPLETE, PRUNED, FAIL) of trials that Optuna knows to be over, so that a run whose
    worker died just before closing it ends as what it was. Any other one is KILLED with `reason`.
    """
    closed = []
    for folder in trial_folders(home):
        trial = folder.relative_to(home / TRIALS).as_posix()
        state = (ended or {}).get(trial, "")
        why = "" if state == "COMPLETE" else reason
        if close_trial(folder, STATUS.get(state, "KILLED"), why, state):
            closed.append(trial)
    return closed
