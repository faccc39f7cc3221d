"""Importances of the searched dimensions, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nemesis_sweep.report.page.importance import FEWEST, Importance, draws_for, importances
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Made, Note, Picture, Piece, Section
from nemesis_sweep.report.page.searches import Search, searches
from nemesis_sweep.report.page.sheets import sheets
from nemesis_sweep.report.page.style import entitle, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 12
CAPTION = (
    "How much of being among the best tenth of a task's trials (at least 5) each dimension explains "
    "(PED-ANOVA of Optuna, shares of 1; lines: 95 % of 20 to 100 bootstrap resamples of the trials). Read "
    "off what is worth searching next; where intervals overlap the order is not known."
)


def _make(material: Material) -> Iterator[Made]:
    all_searches = searches(material)
    found = [(search, importances_of(search, len(all_searches))) for search in all_searches]
    shown = [(search, known) for search, known in found if known]
    few = [search for search, known in found if not known and len(search.scales) > 1]
    if few:
        told = ", ".join(f"{search.label} ({len(search.ranked)})" for search in few[:8])
        more = f" and {len(few) - 8} more" if len(few) > 8 else ""
        yield Note(f"Too few complete trials for importances, below {FEWEST}: {told}{more}.")
    for sheet, part in sheets(shown):
        rows = min(SHOWN, max(len(known) for _, known in part))
        figure, axes = panels(len(part), height=0.75 + 0.16 * rows)
        for ax, (search, known) in zip(axes, part, strict=True):
            _panel(ax, known[:SHOWN])
            entitle(ax, f"{search.label}, n\N{NO-BREAK SPACE}{len(search.ranked)}")
        title = sheet.title("Which dimensions matter")
        yield Picture(sheet.name("importances"), title, CAPTION, figure)


def importances_of(search: Search, beside: int = 1) -> list[Importance]:
    """The importances of the dimensions of a search for its objective. beside: all searches."""
    trials = [search.trials[row.number] for row in search.ranked]
    losses = [-search.sign * search.value(row) for row in search.ranked]
    return importances(trials, losses, list(search.scales), draws_for(len(trials), beside))


def _panel(ax: Axes, known: Sequence[Importance]) -> None:
    places = range(len(known) - 1, -1, -1)
    shares = [each.share for each in known]
    ax.barh(places, shares, color="#56B4E9", height=0.65)
    for place, each in zip(places, known, strict=True):
        ax.plot([each.low, each.high], [place, place], color="#0072B2", linewidth=1.2, solid_capstyle="butt")
    ax.set_yticks(places, [each.name for each in known])
    ax.grid(axis="y", visible=False)
    ax.set_xlim(0, None)
    ax.set_xlabel("importance")


PIECE = Piece(Section.SEARCH, 60, _make)
