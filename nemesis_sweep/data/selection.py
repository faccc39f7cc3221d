"""How finely validation images tell trials apart: a selection on ten pictures is a lottery.

Everything comes from the numbers of images of each class; nothing is drawn, and no image is opened.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nemesis_sweep.data.class_counts import ClassCounts
from nemesis_sweep.data.episodes import val_shots_of
from nemesis_sweep.data.subsets import base_classes
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.spec.tasks import ALL, Task, ValShots

HALF = 50.0
"""Accuracy in percent at which the standard error is told: there it is largest."""


@dataclass(frozen=True)
class Selection:
    """What the trials of a task are selected on.

    images: validation images of a replicate. standard_error: of a trial's mean accuracy over the replicates
    where the true one is 50 %, in points, for the choice of images alone. short: split -> class -> images,
    of classes that have fewer than are asked for.
    """

    images: int
    standard_error: float
    short: Mapping[str, Mapping[str, int]]


def selection(
    counts: ClassCounts, task: Task, replicates: int, val_shots: ValShots | None = None
) -> Selection:
    """Return what the task's trials are selected on. val_shots: in place of the task's own.

    An image that a class has n of, k of them drawn for each of R replicates, is drawn Binomial(R, k/n) times,
    so the mean over the R m images has the variance sum E[c^2] p (1 - p) / (R m)^2 with c that number: from
    p (1 - p) / (R m) where replicates see different images to p (1 - p) / m where they see the same.
    """
    val_shots = task.val_shots if val_shots is None else val_shots
    number = len(counts.classnames)
    learnt = base_classes(number) if task.protocol == "base_to_new" else range(number)
    train, held = counts.splits["train"], counts.splits["val"]
    if not any(held):
        held = tuple(count - min(count, task.shots) for count in train)
    asked = val_shots_of(task.shots, val_shots)
    drawn = {label: held[label] if val_shots == ALL else min(held[label], asked) for label in learnt}
    images = sum(drawn.values())
    squares = sum(_squares(held[label], count, replicates) for label, count in drawn.items() if count)
    error = HALF * math.sqrt(squares) / (replicates * images) if images else math.inf
    short = {
        split: {counts.classnames[label]: of[label] for label in learnt if of[label] < least}
        for split, of, least in (("train", train, task.shots), ("val", held, asked))
    }
    return Selection(images, error, {split: classes for split, classes in short.items() if classes})


def _squares(held: int, drawn: int, replicates: int) -> float:
    """Sum over the images of a class of the expected square of how often each is drawn."""
    share = drawn / held
    return held * (replicates * share * (1 - share) + (replicates * share) ** 2)


def too_few(task: str, short: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """A line for each split in which classes are short. short: split -> class -> images that it has."""
    for split, classes in short.items():
        shown = [f"{name} ({count})" for name, count in classes.items()]
        number = counted(len(shown), "class", "classes")
        line = f"{task}: too few images in {split}, so all are taken, of {number}: {listed(shown)}"
        yield printable(line)
