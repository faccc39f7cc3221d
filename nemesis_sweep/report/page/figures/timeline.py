"""Timeline: when each trial was trained, on which worker, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.record import SweepRecord
from nemesis_sweep.report.page.style import canvas, is_cloud, legend_below
from nemesis_sweep.sweep.proposal import SECONDS, SIMULATED_END

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STATES = {
    "COMPLETE": ("complete", "#0072B2"),
    "PRUNED": ("pruned", "#E69F00"),
    "FAIL": ("failed", "#B22222"),
    "RUNNING": ("running", "#A9A9A9"),
}
NAMED = 16
"""Lanes up to which each is named."""
APART = 120
"""Trials of a lane up to which a gap is drawn between them: with more it would hide them."""


@dataclass(frozen=True)
class Span:
    """A trial: begin and end in seconds since the first one began. worker: '' where nobody knows it."""

    begin: float
    end: float
    state: str
    worker: str


def spans(record: SweepRecord) -> list[Span]:
    """All trials that began, in the order of their beginnings; of a simulation in simulated time."""
    workers = {(row.study, row.number): row.worker or "" for row in record.rows}
    told = []
    ends = [trial.datetime_complete for study in record.studies for _, trial in study.trials]
    now = max((end.timestamp() for end in ends if end is not None), default=0.0)
    for study in record.studies:
        for number, trial in study.trials:
            if record.status.simulated:
                end = float(trial.user_attrs.get(SIMULATED_END, 0.0))
                begin = end - float(trial.user_attrs.get(SECONDS, 0.0))
            elif trial.datetime_start is None:
                continue
            else:
                begin = trial.datetime_start.timestamp()
                end = trial.datetime_complete.timestamp() if trial.datetime_complete else max(now, begin)
            told.append((begin, end, trial.state.name, workers.get((study.key, number), "")))
    first = min((begin for begin, *_ in told), default=0.0)
    return [Span(begin - first, end - first, state, worker) for begin, end, state, worker in sorted(told)]


def lanes(found: Sequence[Span]) -> list[tuple[str, list[Span]]]:
    """The trials side by side: of each known worker a lane of its own, of the others as few as hold them."""
    named: dict[str, list[Span]] = {}
    free: list[list[Span]] = []
    for span in found:
        if span.worker:
            named.setdefault(span.worker, []).append(span)
            continue
        lane = next((each for each in free if each[-1].end <= span.begin + 1e-6), None)
        if lane is None:
            free.append([span])
        else:
            lane.append(span)
    return [*named.items(), *(("", lane) for lane in free)]


def _draw(material: Material) -> Iterator[Picture]:
    for number, record in enumerate(material.sweeps, 1):
        found = spans(record)
        if not found:
            continue
        side = lanes(found)
        figure, grid = canvas(height=min(4.5, 1.2 + 0.17 * len(side)))
        _panel(grid[0, 0], side, is_cloud(len(found)))
        legend_below(figure, list(grid.flat))
        title = "Trials and workers over time"
        title += " (simulated)" if record.status.simulated else ""
        title += f", {record.name}" if material.several else ""
        name = f"timeline-{number}" if material.several else "timeline"
        yield Picture(name, title, _caption(side), figure)


def _caption(side: Sequence[tuple[str, Sequence[Span]]]) -> str:
    whole = max(span.end for _, lane in side for span in lane)
    busy = sum(span.end - span.begin for _, lane in side for span in lane)
    known = sum(1 for worker, _ in side if worker)
    told = (
        "A bar is a trial from its beginning to its end, a line a worker process; the trials whose worker "
        "nobody knows (those without a result) share as few lines as hold them. Read off when workers "
        "waited and what pruning cut short."
        if known
        else "A bar is a trial from its beginning to its end, on as few lines as hold them all. Read off how "
        "many ran at once, when none did, and what pruning cut short."
    )
    at_once = busy / whole if whole > 0 else 0.0
    return f"{told} On average {at_once:.1f} trials ran at once."


def _panel(ax: Axes, side: Sequence[tuple[str, Sequence[Span]]], cloud: bool) -> None:
    unit, seconds = _unit(max(span.end for _, lane in side for span in lane))
    gap = 0.4 if max(len(lane) for _, lane in side) <= APART else 0.0
    for state, (label, colour) in STATES.items():
        first = True
        for height, (_, lane) in enumerate(reversed(side)):
            own = [span for span in lane if span.state == state]
            if own:
                bars = [(span.begin / seconds, (span.end - span.begin) / seconds) for span in own]
                ax.broken_barh(
                    bars, (height - 0.4, 0.8), facecolors=colour, edgecolor="white", rasterized=cloud,
                    linewidth=gap, label=label if first else None,
                )  # fmt: skip
                first = False
    names = [worker for worker, _ in reversed(side)]
    if any(names) and len(names) <= NAMED:
        ax.set_yticks(range(len(names)), [_short(name) for name in names])
    else:
        ax.set_yticks([])
        ax.set_ylabel(counted(len(names), "worker") if any(names) else f"{len(names)} at once")
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_xlim(0, None)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"{unit} since the first trial began")


def _short(worker: str) -> str:
    host, _, process = worker.rpartition(":") if ":" in worker else worker.rpartition(" ")
    told = f"{host[:14]} {process}".strip()
    return told or "not known"


def _unit(seconds: float) -> tuple[str, float]:
    if seconds > 2 * 86400:
        return "days", 86400.0
    if seconds > 2 * 3600:
        return "hours", 3600.0
    return ("minutes", 60.0) if seconds > 120 else ("seconds", 1.0)


PIECE = Piece(Section.COURSE, 10, _draw)
