"""What a page is made of: sections, and in them tables, pictures and notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.statistics import Gain, Score
from nemesis_sweep.report.statistics.estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = Score | Gain | Estimate | float | int | str | None
"""What stands in a table. None: not measured."""


class Section(Enum):
    """The sections of a page in their order; the value is the heading."""

    RESULTS = "Results"
    COMPARISON = "Comparison over tasks"
    SEARCH = "What the search found"
    TRAINING = "Training"
    LOW_NORM = "Low-Norm Effect"
    MISTAKES = "Test images"
    COURSE = "Course of the sweep"


@dataclass(frozen=True)
class Column:
    """A column. best: which of its values is printed bold in every group of rows, '' for none. digits: behind
    the point, of a plain number; None shows three significant ones. printed: whether LaTeX has it too, whose
    page is narrow."""

    name: str
    best: Literal["max", "min", ""] = ""
    digits: int | None = 1
    printed: bool = True


@dataclass(frozen=True)
class Line:
    """A row. group: rows of one group stand together, and the best are those of the group."""

    cells: Sequence[Cell]
    group: str = ""


@dataclass(frozen=True)
class ReportTable:
    """A table.

    name: of its files, unique on a page. caption: what the numbers are: split, replicates, selection.
    shown: how many lines of a group the page shows; the files have all. simulated: which sweeps were, '' for
    none: a column of the CSV and Parquet files, which are read without a caption.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    shown: int | None = None
    simulated: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture. name: of its files, unique on a page. caption: one sentence that says what to read off.
    photos: whether the images in it are photographs, which a page holds as JPEG."""

    name: str
    title: str
    caption: str
    figure: Figure
    photos: bool = False


@dataclass(frozen=True)
class Drawn:
    """A picture whose files are written, as a page shows it. svg: markup."""

    name: str
    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Note:
    """A line that stands where a table or a picture could not be made, or that warns."""

    text: str


Made = ReportTable | Picture | Note


@dataclass(frozen=True)
class Piece:
    """One file's share of a page: make gives what there is to show, nothing where it does not apply.

    place: orders the pieces of a section, the lowest first.
    """

    section: Section
    place: int
    make: Callable[[Material], Iterable[Made]]
