"""How often the Low-Norm Effect is there over shots, for each dataset: the paper's frequency figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nemesis_sweep.report.page.corrupted import CorruptedPrompt
from nemesis_sweep.report.page.looks import looks
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.sheets import sheets
from nemesis_sweep.report.page.style import entitle, legend_below, name_heights, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION = (
    "Percent of positions (dashed) and of pairs of position and strength (solid) at which a lower norm gives "
    "a higher accuracy on {split}, when a vector is corrupted by {operation}; mean over replicates, bars: "
    "95 % of a bootstrap over the images. Read off whether it becomes rarer with more shots. Where "
    "corruption changes nothing but noise, up to half of the pairs show it."
)


def _draw(material: Material) -> Iterator[Picture]:
    several = len({each.task.key.backbone for each in material.corrupted}) > 1
    look = looks(each.method for each in material.corrupted)
    for told in dict.fromkeys(each.told for each in material.corrupted):
        groups: dict[str, list[CorruptedPrompt]] = {}
        for each in material.corrupted:
            if each.told == told and each.cells.frequency is not None:
                data, backbone = each.task.data, each.task.backbone
                groups.setdefault(f"{data}, {backbone}" if several else data, []).append(each)
        if all(len({each.task.key.shots for each in found}) < 2 for found in groups.values()):
            continue
        operation, split = told.split(", ")
        for sheet, part in sheets(list(groups.items())):
            figure, axes = panels(len(part))
            for ax, (title, found) in zip(axes, part, strict=True):
                _panel(ax, found, look)
                entitle(ax, title)
            name_heights(axes, "Low-Norm Effect (%)")
            legend_below(figure, axes)
            name = sheet.name(f"low-norm-over-shots-{operation}-{split}")
            title = sheet.title(f"Low-Norm Effect over shots: {told}")
            yield Picture(name, title, CAPTION.format(split=split, operation=operation), figure)


def _panel(ax: Axes, found: Sequence[CorruptedPrompt], look: dict[str, dict[str, Any]]) -> None:
    shots = sorted({each.task.key.shots for each in found})
    for place, method in enumerate(dict.fromkeys(each.method for each in found)):
        own = sorted((each for each in found if each.method == method), key=lambda each: each.task.key.shots)
        for side, (kind, dash) in enumerate((("pairs", "-"), ("positions", "--"))):
            often = [getattr(each.cells.frequency, kind) for each in own]
            means = [each.score.mean for each in often]
            # The mean of other draws may lie to one side of what was seen.
            below = [max(0.0, mean - each.low) for mean, each in zip(means, often, strict=True)]
            above = [max(0.0, each.high - mean) for mean, each in zip(means, often, strict=True)]
            # A little beside one another, so that no bar hides another.
            x = [shots.index(each.task.key.shots) + 0.03 * (2 * place + side) for each in own]
            how = {**look[method], "linestyle": dash, "markerfacecolor": "none" if side else None}
            label = f"{method}, {kind}"
            ax.errorbar(x, means, [below, above], label=label, capsize=1.5, elinewidth=0.7, **how)
    ax.set_ylim(0, 103)
    ax.set_xticks(range(len(shots)), list(map(str, shots)))
    ax.set_xlabel("shots")


PIECE = Piece(Section.LOW_NORM, 0, _draw)
