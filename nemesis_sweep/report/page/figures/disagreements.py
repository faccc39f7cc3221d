"""Test images that the best found and plain CoOp disagree on: half of them won, half lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.page.figures.confusion import shortened
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.mistakes import Versus
from nemesis_sweep.report.page.pieces import Made, Note, Picture, Piece, Section
from nemesis_sweep.report.page.style import WIDTH
from nemesis_sweep.report.statistics.mcnemar import mcnemar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL.Image import Image

EACH = 8
"""Images that were won, and as many that were lost."""
PIXELS = 80
"""The longer side of a thumbnail."""
TRIES = 40
"""Images that are looked for in a row of which none can be read before it is given up."""


@dataclass(frozen=True)
class Disagreement:
    """A test image. truth: its class. wrong: what the other one took it for. times: in so many replicates."""

    image: Image
    truth: str
    wrong: str
    times: int


def _draw(material: Material) -> Iterator[Made]:
    for versus in material.mistakes.drawn:
        won, lost = (list(disagreements(versus, which)) for which in (1, -1))
        if won or lost:
            yield _picture(versus, won, lost)
        elif versus.won.any() or versus.lost.any():
            yield Note(f"{versus.label}: the test images are no longer where they were, so none is shown")


def disagreements(versus: Versus, which: int) -> Iterator[Disagreement]:
    """At most ``EACH`` images: those first on which most replicates agree, of many classes.

    which: 1 for those that only the best found has right, -1 for those that only plain CoOp has.
    """
    margin = which * (versus.won.sum(axis=0, dtype=np.int64) - versus.lost.sum(axis=0, dtype=np.int64))
    other = versus.coop if which > 0 else versus.best
    shown = gone = 0
    for place in _in_order(margin, versus.labels):
        image = versus.best.images.image(place)
        if image is None:
            gone += 1
            if gone == TRIES:
                return
            continue
        wrong = other.classes[:, place][~other.right[:, place]]
        yield Disagreement(
            _thumbnail(image),
            versus.classnames[versus.labels[place]],
            versus.classnames[np.bincount(wrong).argmax()],
            int((versus.won if which > 0 else versus.lost)[:, place].sum()),
        )
        shown += 1
        if shown == EACH:
            return


def _in_order(margin: np.ndarray, labels: np.ndarray) -> list[int]:
    """Places with a margin, the largest first; of equal ones a class that was shown less often first."""
    seen: dict[tuple[int, int], int] = {}
    ranked = []
    for place in np.flatnonzero(margin > 0):
        key = int(margin[place]), int(labels[place])
        seen[key] = seen.get(key, 0) + 1
        ranked.append((-key[0], seen[key], int(place)))
    return [place for *_, place in sorted(ranked)]


def _thumbnail(image: Image) -> Image:
    image.thumbnail((PIXELS, PIXELS))
    return image


def _picture(versus: Versus, won: Sequence[Disagreement], lost: Sequence[Disagreement]) -> Picture:
    from matplotlib.figure import Figure

    rows = [(title, some) for title, some in ((_title(versus, 1), won), (_title(versus, -1), lost)) if some]
    figure = Figure(figsize=(WIDTH, 1.25 * len(rows)))
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    figure.subplots_adjust(0.005, 0.0, 0.995, 1 - 0.2 / (1.25 * len(rows)), hspace=0.22)
    replicates = len(versus.best.seeds)
    for ax, (title, some) in zip(axes, rows, strict=True):
        _row(ax, title, some, replicates)
    title = f"Images that the two disagree on, {versus.label}"
    return Picture(f"disagreements-{versus.name}", title, _caption(versus), figure, photos=True)


def _title(versus: Versus, which: int) -> str:
    counts = (versus.won if which > 0 else versus.lost).sum(axis=1).tolist()
    names = ("best found", "plain CoOp")
    right, wrong = names if which > 0 else names[::-1]
    told = ", ".join(map(str, counts))
    return f"{'Won' if which > 0 else 'Lost'}: {right} right, {wrong} wrong. Images: {told}"


def _row(ax: Axes, title: str, some: Sequence[Disagreement], replicates: int) -> None:
    ax.set_xlim(0, EACH)
    ax.set_ylim(1.28, -0.02)
    ax.set_aspect("equal", anchor="NW")
    ax.set_axis_off()
    ax.set_title(title, loc="left", pad=3)
    for number, each in enumerate(some):
        width, height = (0.88 * side / max(each.image.size) for side in each.image.size)
        left, top = number + (1 - width) / 2, (0.9 - height) / 2
        box = (left, left + width, top + height, top)
        ax.imshow(np.asarray(each.image), extent=box, interpolation="none", aspect="equal")
        times = f" {each.times}/{replicates}" if replicates > 1 else ""
        words: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 5.5}
        ax.text(number + 0.5, 0.94, shortened(each.truth, 17), weight="bold", **words)
        ax.text(number + 0.5, 1.08, f"{shortened(each.wrong, 15)}{times}", style="italic", **words)
    ax.set_xlim(0, EACH)
    ax.set_ylim(1.28, -0.02)


def _caption(versus: Versus) -> str:
    ps = [
        mcnemar(int(won), int(lost))
        for won, lost in zip(versus.won.sum(axis=1), versus.lost.sum(axis=1), strict=True)
    ]
    told = ", ".join(f"{p:.2g}" for p in ps)
    seeds = ", ".join(map(str, versus.best.seeds))
    return (
        f"Of {counted(len(versus.labels), 'test image')}, some that one of the two has right and the other "
        "wrong, those first on which most replicates agree. Below each: the truth, which the right one said, "
        "and what the wrong one said, with in how many replicates. Read off what kind of image is gained and "
        f"lost; in the titles how many, for seeds {seeds}. McNemar's exact p for each seed: {told}."
    )


PIECE = Piece(Section.MISTAKES, 40, _draw)
