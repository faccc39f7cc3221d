"""From homes to a folder with the page, every figure and every table."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.csv as csv
import pyarrow.parquet as pq

from nemesis_sweep.data.meter import Meter, SayLine
from nemesis_sweep.files.own_folder import refuse_irreplaceable
from nemesis_sweep.files.replaced_folder import replacing_folder
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.report.following.sweep_file import refuse_file, refuse_several, write_next
from nemesis_sweep.report.page.copies import copies, made_by_copies
from nemesis_sweep.report.page.formats.data import data_table
from nemesis_sweep.report.page.formats.latex import latex
from nemesis_sweep.report.page.formats.markdown import markdown
from nemesis_sweep.report.page.formats.picture import write_picture
from nemesis_sweep.report.page.html import Shown, html_page
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Drawn, Made, Note, Picture, ReportTable
from nemesis_sweep.report.page.record import read_sweeps
from nemesis_sweep.report.page.registry import pieces
from nemesis_sweep.report.page.style import styled

FOLDER = "report"
PAGE = "report.html"
OWN = (PAGE, "figures", "tables", ".DS_Store")
"""What a report's folder holds. More would be lost with it."""
OVER = "over replicates"
"""What captions say of means; their number is put in."""
WRITTEN_BY = b"Written by nemesis-sweep"
"""In the foot of every page."""


def write_report(
    homes: Sequence[Path],
    to: Path | None = None,
    following: Path | None = None,
    say: SayLine | None = None,
) -> Path:
    """Write the report of some homes and return the path of its page.

    following: the sweep file of the next sweep, which is written too; of one home only. say: told every
    few seconds how far it is.

    to: its folder, which is replaced whole; by default `report` in the home, or of several homes in the
    current folder. Raises ``UserError`` for homes that cannot be reported on, and for a folder that holds
    something else.
    """
    if following is not None:
        refuse_file(following)
    material = Material(read_sweeps(homes))
    if following is not None:
        refuse_several(len(material.sweeps))
    _refuse_nothing_in_common(material)
    folder = to or (Path(FOLDER) if material.several else material.sweeps[0].home.path / FOLDER)
    _refuse_something_else(folder)
    if following is not None:
        _refuse_within(following, folder)
    with replacing_folder(folder) as partial:
        fill(partial, material, say)
    if following is not None:
        write_next(material, following)
    return folder / PAGE


def fill(folder: Path, material: Material, say: SayLine | None = None) -> None:
    """Write page, `figures/` and `tables/` into an empty folder."""
    for name in ("figures", "tables"):
        (folder / name).mkdir()
    found = pieces()
    every = [piece for of_section in found.values() for piece in of_section]
    meter = Meter(len(every), "writing the report", say, unit="part", begins=False)
    sections: dict[str, list[Shown]] = {section.value: [] for section in found}

    def drawn(place: int) -> list[Shown]:
        return [_drawn(_marked(each, material), folder) for each in every[place].make(material)]

    processes = copies()
    if processes > 1:
        _load()
    with styled():
        for piece, shown in zip(every, made_by_copies(drawn, len(every), processes), strict=True):
            for each in shown:
                # Here, while copies draw: for Arrow's tables each would load pandas, half a second.
                if isinstance(each.what, ReportTable):
                    _write_table(each.what, folder / "tables")
            sections[piece.section.value] += shown
            meter.add(1)
    (folder / PAGE).write_text(html_page(material, sections), encoding="utf-8")


def _load() -> None:
    """Load what nearly every part needs, so that not every copy of the process has to."""
    for name in ("figure", "backends.backend_agg", "backends.backend_svg"):
        importlib.import_module(f"matplotlib.{name}")
    importlib.import_module("scipy.special")


def _marked(made: Made, material: Material) -> Made:
    """A table or a picture whose caption says what of it was simulated and over how many replicates its means
    are: it is read without the page, too."""
    if isinstance(made, Note):
        return made
    made = replace(made, caption=made.caption.replace(OVER, f"over {material.replicates}"))
    simulated = [sweep.name for sweep in material.sweeps if sweep.status.simulated]
    if not simulated:
        return made
    of = "" if len(simulated) == len(material.sweeps) else f" ({', '.join(simulated)})"
    marked = replace(made, caption=f"Simulated{of}: nothing was trained, no time is real. {made.caption}")
    return replace(marked, simulated=", ".join(simulated)) if isinstance(marked, ReportTable) else marked


def _drawn(made: Made, folder: Path) -> Shown:
    if not isinstance(made, Picture):
        return Shown(made)
    svg = write_picture(made, folder / "figures")
    return Shown(Drawn(made.name, made.title, made.caption, svg))


def _write_table(table: ReportTable, folder: Path) -> None:
    data = data_table(table)
    csv.write_csv(data, folder / f"{table.name}.csv")
    pq.write_table(data, folder / f"{table.name}.parquet", compression="zstd")
    for ending, text in (("md", markdown(table)), ("tex", latex(table))):
        (folder / f"{table.name}.{ending}").write_text(text, encoding="utf-8")


def _refuse_nothing_in_common(material: Material) -> None:
    """Raise ``UserError`` where a sweep shares no task with any other."""
    if not material.several:
        return
    tasks = {
        sweep.name: {task.key: task.label for task in material.tasks if task.sweep is sweep}
        for sweep in material.sweeps
    }
    for name, own in tasks.items():
        others = set().union(*(keys for other, keys in tasks.items() if other != name))
        if not own.keys() & others:
            told = ", ".join(sorted(own.values()))
            allowed = "homes that have a task (dataset, shots, protocol, targets and backbone) in common"
            raise UserError(
                Problem(
                    f"sweep {name} has no task in common with the others",
                    key="HOME",
                    found=told,
                    allowed=allowed,
                )
            )


def _refuse_something_else(folder: Path) -> None:
    """Raise ``UserError`` for a folder that cannot be replaced, and for one that holds more than a report."""
    refuse_irreplaceable(folder, "--to")
    folder = Path(os.path.realpath(folder))
    held = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    more = sorted(name for name in held if name not in OWN)
    if more or (held and not _is_report(folder)):
        told = (
            f"holds more than a report ({more[0]})" if _is_report(folder) else "not a report, and not empty"
        )
        allowed = "a new or empty folder, or that of an earlier report, which is replaced"
        raise UserError(Problem(told, key="--to", found=str(folder), allowed=allowed))


def _refuse_within(file: Path, folder: Path) -> None:
    """Raise ``UserError`` for a file in a report's folder, with which it would be lost."""
    if Path(os.path.realpath(file)).is_relative_to(os.path.realpath(folder)):
        allowed = "a file elsewhere: the folder of a report is replaced whole"
        raise UserError(Problem("within the report", key="--next", found=str(file), allowed=allowed))


def _is_report(folder: Path) -> bool:
    """Whether the page of a folder is one of ours."""
    page = folder / PAGE
    return page.is_file() and WRITTEN_BY in page.read_bytes()
