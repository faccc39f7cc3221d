"""Training a recorded trial again, beside its home, and comparing every number."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.home.folder import Home, quiet
from nemesis_sweep.sweep.replay.reasons import reasons
from nemesis_sweep.sweep.replay.recorded_trial import RecordedTrial, logged, moved, recorded_trial
from nemesis_sweep.sweep.result import Result
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec, parts_of
from nemesis_sweep.sweep.worker.result import read_result

NEEDED = ("episodes",)
"""Folders of a home that a worker reads: which images are skipped."""


@dataclass(frozen=True)
class Compared:
    """One number then and now. seed: whose it is, None for the mean over all. epoch: None for the end."""

    task: str
    metric: str
    seed: int | None
    epoch: int | None
    recorded: float
    now: float

    @property
    def same(self) -> bool:
        """Whether both are the same to the last bit; what is not a number is the same as another such."""
        return self.recorded == self.now or (math.isnan(self.recorded) and math.isnan(self.now))

    @property
    def difference(self) -> float:
        """Now minus then."""
        return 0.0 if self.same else self.now - self.recorded


@dataclass(frozen=True)
class Replayed:
    """A trial trained again. last: the step at which it was pruned then, None where it was complete.

    ends: the metrics at the end, a number for each seed; epochs: means after each epoch. learnt: of each task
    that leaves a prompt or a reference, whether that is the same to the last bit. reasons: why numbers may
    differ, a line each, whether or not they do.
    """

    study: str
    number: str
    state: str
    last: int | None
    ends: tuple[Compared, ...]
    epochs: tuple[Compared, ...]
    learnt: Mapping[str, bool]
    reasons: tuple[str, ...]

    @property
    def compared(self) -> tuple[Compared, ...]:
        """All numbers."""
        return self.ends + self.epochs

    @property
    def same(self) -> bool:
        """Whether all numbers are, and what was learnt."""
        return all(each.same for each in self.compared) and all(self.learnt.values())


def replay(home: Home, name: str, say: SayLine = quiet) -> Replayed:
    """Train the trial `STUDY/NUMBER` again as its record in the home says, and compare.

    Nothing is written into the home: the trial gets a folder that is gone at the end. Images come from the
    feature cache, and are encoded where it lacks them. A trial that was pruned is trained up to the step
    where it was. say: told of each validation.

    Raises ``UserError`` as ``recorded_trial`` does, for data that is not there, and where there is nothing to
    compare.
    """
    before = recorded_trial(home, name)
    with TemporaryDirectory(prefix="nemesis-sweep-replay-") as folder:
        place = Home(Path(folder))
        for each in NEEDED:
            if (home.path / each).is_dir():
                shutil.copytree(home.path / each, place.path / each)
        again = moved(before.spec, place)
        _train(again, before.last, say)
        results = {part.task.key: read_result(part.folder) for part in parts_of(again)}
        replayed = Replayed(
            study=parts_of(again)[0].study,
            number=parts_of(again)[0].number,
            state=before.state,
            last=before.last,
            ends=tuple(_ends(before, results)),
            epochs=tuple(_epochs(before, logged(again.folder))),
            learnt=dict(_learnt(before, results)),
            reasons=tuple(reasons(home, before.spec, again)),
        )
    if not replayed.compared:
        allowed = "a trial whose folder has its outbox.jsonl"
        raise UserError(
            Problem("no number of this trial was kept", "STUDY/NUMBER", found=name, allowed=allowed)
        )
    return replayed


def _train(spec: TrialSpec | JointTrialSpec, last: int | None, say: SayLine) -> None:
    import torch

    from nemesis_sweep.sweep.worker.joint_trial import open_session

    # As a worker does: the order of sums depends on it.
    torch.set_num_threads(spec.threads)
    session = open_session(spec)
    while True:
        told = session.advance()
        if told.done or (last is not None and told.epoch >= last):
            return
        say(f"epoch {told.epoch}")


def _ends(before: RecordedTrial, results: Mapping[str, Result | None]) -> Iterator[Compared]:
    for task, then in before.results.items():
        now = results[task]
        values = {} if now is None else now.replicates
        for metric, recorded in then.replicates.items():
            found: Sequence[float] = values.get(metric, [math.nan] * len(recorded))
            for seed, one, other in zip(then.seeds, recorded, found, strict=True):
                yield Compared(task, metric, seed, None, one, other)


def _epochs(before: RecordedTrial, now: Mapping[tuple[str, int], float]) -> Iterator[Compared]:
    joint = isinstance(before.spec, JointTrialSpec)
    for (metric, epoch), recorded in before.epochs.items():
        task, _, own = metric.partition("/") if joint else (parts_of(before.spec)[0].task.key, "", metric)
        yield Compared(task, own, None, epoch, recorded, now.get((metric, epoch), math.nan))


def _learnt(before: RecordedTrial, results: Mapping[str, Result | None]) -> Iterator[tuple[str, bool]]:
    for task, then in before.results.items():
        now = results[task]
        # Those of an earlier version carry no checksum.
        if then.left and then.left[1]:
            yield task, now is not None and now.left == then.left
