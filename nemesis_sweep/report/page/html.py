"""The page: one HTML file with all it needs, read with a browser, printed, in light and in dark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import jinja2

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.page.formats.text import best_cells, is_text, texts
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Drawn, Note, ReportTable
from nemesis_sweep.report.page.record import SweepRecord
from nemesis_sweep.report.verdict import sweep_verdict

TABLE_FORMATS = ("csv", "parquet", "md", "tex")
FIGURE_FORMATS = ("svg", "png")
NO_BREAK = "\u00a0"
ROOM = 126
"""Characters of a line that the page has room for in a table."""


@dataclass(frozen=True)
class Shown:
    """A piece of a page as the template takes it."""

    what: ReportTable | Drawn | Note

    @property
    def kind(self) -> str:
        """`table`, `picture` or `note`."""
        return {ReportTable: "table", Drawn: "picture", Note: "note"}[type(self.what)]

    @property
    def header(self) -> list[tuple[str, bool]]:
        """The columns of a table, and whether they hold numbers."""
        table = self.what
        assert isinstance(table, ReportTable)
        return [(column.name, not is_text(table, place)) for place, column in enumerate(table.columns)]

    @property
    def rows(self) -> list[tuple[str, list[tuple[str, bool, bool]]]]:
        """The lines of a table: its group where that begins, and (text, best, number) of every cell."""
        table = self.what
        assert isinstance(table, ReportTable)
        found, group = [], ""
        places = _shown_places(table)
        lines = [table.lines[place] for place in places]
        bold_cells = best_cells(table)
        for place, line, words in zip(places, lines, texts(table, lines), strict=True):
            best = bold_cells[place]
            heading, group = (line.group if line.group != group else ""), line.group
            cells = [
                (word if isinstance(cell, str) else _unbroken(word), bold, not isinstance(cell, str))
                for word, bold, cell in zip(words, best, line.cells, strict=True)
            ]
            found.append((heading, cells))
        return found

    @property
    def wide(self) -> bool:
        """Whether a table is wider than the page unless names and numbers are broken as other text is."""
        table = self.what
        assert isinstance(table, ReportTable)
        width, lines = 0, texts(table, table.lines)
        for place, column in enumerate(table.columns):
            cells = [cells[place] for cells in lines]
            parts = " ".join(cells).split() if place and is_text(table, place) else cells
            width += 2 + max(map(len, [*parts, *column.name.split()]), default=0)
        return width > ROOM

    @property
    def left_out(self) -> int:
        """How many lines of a table the page does not show."""
        return (
            len(self.what.lines) - len(_shown_places(self.what)) if isinstance(self.what, ReportTable) else 0
        )


def _unbroken(number: str) -> str:
    """A number that may only be broken before its interval, where a table would be wider than the page."""
    return number.replace(" ", NO_BREAK).replace(f"{NO_BREAK}(", " (")


def _shown_places(table: ReportTable) -> list[int]:
    """The places of the lines that the page shows: the first ones of every group."""
    so_far: Counter[str] = Counter()
    places = []
    for place, line in enumerate(table.lines):
        so_far[line.group] += 1
        if table.shown is None or so_far[line.group] <= table.shown:
            places.append(place)
    return places


def html_page(material: Material, sections: Mapping[str, Sequence[Shown]]) -> str:
    """The page of some sections, by their headings; empty ones are left out."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nemesis_sweep.report.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        title=" and ".join(sweep.name for sweep in material.sweeps),
        sweeps=[_facts(sweep) for sweep in material.sweeps],
        sections={name: shown for name, shown in sections.items() if shown},
        table_formats=TABLE_FORMATS,
        figure_formats=FIGURE_FORMATS,
        version=metadata.version("nemesis-sweep"),
    )


def _facts(sweep: SweepRecord) -> dict[str, Any]:
    """What stands at the head of a page about a sweep."""
    studies = sweep.status.studies
    states = {
        name: sum(getattr(study, name) for study in studies)
        for name in ("complete", "pruned", "failed", "running")
    }
    told = ", ".join(f"{count} {state}" for state, count in states.items() if count)
    return {
        "name": sweep.name,
        "home": str(sweep.home.path),
        "tasks": counted(len(sweep.sweep.task_list()), "task"),
        "trials": f"{counted(sum(study.total for study in studies), 'trial')} with baselines: {told}",
        "objective": ", ".join(sweep.objectives),
        "replicates": counted(len(sweep.sweep.tasks.seeds), "replicate"),
        "simulated": sweep.status.simulated,
        "done": sweep.status.is_done,
        "verdict": sweep_verdict(sweep.boards),
    }
