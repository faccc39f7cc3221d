"""From homes to a folder with the page, every figure and every table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nemesis_sweep.files.replaced_folder import replacing_folder
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.report.following.sweep_file import refuse_file, refuse_several, write_next
from nemesis_sweep.report.page.formats.data import write_csv, write_parquet
from nemesis_sweep.report.page.formats.latex import latex
from nemesis_sweep.report.page.formats.markdown import markdown
from nemesis_sweep.report.page.formats.picture import write_picture
from nemesis_sweep.report.page.html import Shown, html_page
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Made, Picture, ReportTable
from nemesis_sweep.report.page.record import read_sweeps
from nemesis_sweep.report.page.registry import pieces
from nemesis_sweep.report.page.style import styled

FOLDER = "report"
PAGE = "report.html"


def write_report(homes: Sequence[Path], to: Path | None = None, following: Path | None = None) -> Path:
    """Write the report of some homes and return the path of its page.

    following: the sweep file of the next sweep, which is written too; of one home only.

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
    with replacing_folder(folder) as partial:
        fill(partial, material)
    if following is not None:
        write_next(material, following)
    return folder / PAGE


def fill(folder: Path, material: Material) -> None:
    """Write page, `figures/` and `tables/` into an empty folder."""
    for name in ("figures", "tables"):
        (folder / name).mkdir()
    with styled():
        sections = {
            section.value: [_written(made, folder) for piece in found for made in piece.make(material)]
            for section, found in pieces().items()
        }
    (folder / PAGE).write_text(html_page(material, sections), encoding="utf-8")


def _written(made: Made, folder: Path) -> Shown:
    if isinstance(made, Picture):
        return Shown("picture", made, write_picture(made, folder / "figures"))
    if isinstance(made, ReportTable):
        _write_table(made, folder / "tables")
        return Shown("table", made)
    return Shown("note", made)


def _write_table(table: ReportTable, folder: Path) -> None:
    write_csv(table, folder / f"{table.name}.csv")
    write_parquet(table, folder / f"{table.name}.parquet")
    for ending, text in (("md", markdown(table)), ("tex", latex(table))):
        (folder / f"{table.name}.{ending}").write_text(text, encoding="utf-8")


def _refuse_nothing_in_common(material: Material) -> None:
    """Raise ``UserError`` where a sweep shares no task with any other."""
    if not material.several:
        return
    tasks = {
        sweep.name: {task.key for task in material.tasks if task.sweep is sweep} for sweep in material.sweeps
    }
    for name, own in tasks.items():
        others = set().union(*(keys for other, keys in tasks.items() if other != name))
        if not own & others:
            told = ", ".join(sorted(f"{key.data} {key.shots}-shot" for key in own))
            allowed = "homes that have a task (dataset, shots, protocol and backbone) in common"
            raise UserError(
                Problem(
                    f"sweep {name} has no task in common with the others",
                    key="HOME",
                    found=told,
                    allowed=allowed,
                )
            )


def _refuse_something_else(folder: Path) -> None:
    """Raise ``UserError`` for a folder that holds anything, but no report."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PAGE).is_file():
        allowed = "a new or empty folder, or that of an earlier report, which is replaced"
        raise UserError(
            Problem("not a report, and not empty", key="--to", found=str(folder), allowed=allowed)
        )
    if folder.exists() and not folder.is_dir():
        raise UserError(Problem("not a folder", key="--to", found=str(folder)))
