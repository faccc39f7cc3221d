"""What test accuracy varies with: tasks, settings, seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.entry import measured_values
from nemesis_sweep.report.page.contenders import TEST
from nemesis_sweep.report.page.material import Material, TaskOfSweep
from nemesis_sweep.report.page.pieces import Note, Picture, Piece, Section
from nemesis_sweep.report.page.style import INK, WIDTH
from nemesis_sweep.report.statistics.variance_split import VarianceSplit, variance_split

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {"tasks": ("#B9B9B9", ""), "settings": ("#0072B2", ""), "seeds": ("#E69F00", "////")}
"""Colour and hatch of each part: light, dark, and hatched also without colours."""
LINE = 0.2
"""Inches a bar."""
ROOM = 9.0
"""Percent that a number needs to stand in its bar."""
ALONE, EQUAL = "one task", "all scores are equal"


def _draw(material: Material) -> Iterator[Picture | Note]:
    bars: list[tuple[str, VarianceSplit]] = []
    for sweep in material.sweeps:
        tasks = [task for task in material.tasks if task.sweep is sweep]
        scores = {task.label: _scores(task) for task in tasks}
        told = f" ({sweep.name})" if material.several else ""
        if len(tasks) > 1:
            bars.append((f"all tasks{told}", variance_split(scores.values())))
        bars += [(f"{label}{told}", variance_split([settings])) for label, settings in scores.items()]
    shown = [(label, split) for label, split in bars if split.percent]
    if not shown:
        return
    yield Picture("variance-split", "What test accuracy varies with", _caption(bars), _figure(shown))


def _scores(task: TaskOfSweep) -> list[list[float]]:
    """Test accuracy of every replicate of every complete trial that the sampler proposed."""
    complete = [row for row in task.searched if row.state == "COMPLETE"]
    return [values for row in complete if (values := measured_values(row, TEST))]


def _figure(bars: Sequence[tuple[str, VarianceSplit]]) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.patches import Patch

    room = ConstrainedLayoutEngine(w_pad=0.1)
    figure = Figure(figsize=(WIDTH, 0.85 + LINE * len(bars)), layout=room)
    ax = figure.subplots()
    for row, (_, split) in enumerate(bars):
        _bar(ax, row, split)
    ax.set_yticks(range(len(bars)), [label for label, _ in bars])
    ax.set_ylim(len(bars) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.set_xlim(0, 100)
    ax.set_xlabel("percent of the variance")
    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=part)
        for part, (colour, hatch) in PARTS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _bar(ax: Axes, row: int, split: VarianceSplit) -> None:
    left = 0.0
    for part, (colour, hatch) in PARTS.items():
        percent = split.percent.get(part, 0.0)
        if not percent:
            continue
        ax.barh(row, percent, 0.78, left=left, color=colour, hatch=hatch, edgecolor="white", linewidth=0.4)
        if percent >= ROOM:
            ink = "white" if part == "settings" else "#000000"
            ax.text(
                left + percent / 2,
                row,
                f"{percent:.0f}",
                ha="center",
                va="center",
                color=ink,
                fontsize=6.5,
                bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.6},
            )
        left += percent
    spread = sum(part for part in (split.tasks, split.settings, split.seeds) if part is not None) ** 0.5
    ax.text(101, row, f"{spread:.1f} points, n = {split.n_scores}", va="center", fontsize=6.5, color=INK)


def _caption(bars: Sequence[tuple[str, VarianceSplit]]) -> str:
    told = [
        "Test accuracy of the complete trials that the sampler proposed: read off whether settings or seeds "
        "move it more, for where seeds do, a single good trial says little",
        "Random-effects analysis of variance, settings within tasks, replicates within settings; at the "
        "right the standard deviation of all parts together and the number of scores",
    ]
    drawn = [(label, split.why) for label, split in bars if split.percent and split.why != ALONE]
    left = [(label, split.why if split.why != ALONE else EQUAL) for label, split in bars if not split.percent]
    told += [f"{_named(labels, 'bar')}: {why}" for why, labels in _by_reason(drawn).items()]
    told += [f"Without a bar {_named(labels, 'task')}: {why}" for why, labels in _by_reason(left).items()]
    return ". ".join(told) + "."


def _by_reason(found: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The labels that have the same reason, by that; those without one are left out."""
    by_reason: dict[str, list[str]] = {}
    for label, why in found:
        if why:
            by_reason.setdefault(why, []).append(label)
    return by_reason


def _named(labels: Sequence[str], noun: str) -> str:
    return ", ".join(labels) if len(labels) < 4 else counted(len(labels), noun)


PIECE = Piece(Section.COMPARISON, 40, _draw)
