"""Which texts of a figure lie on one another."""

from __future__ import annotations

from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


def overlapping_texts(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of visible texts whose boxes overlap, as the figure is drawn."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = [each for each in figure.findobj(Text) if each.get_visible() and each.get_text().strip()]
    boxes = [(each.get_text(), each.get_window_extent(canvas.get_renderer())) for each in shown]
    # A pixel of a box is air.
    return [
        (a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.padded(-1).overlaps(other.padded(-1))
    ]


def texts_beyond_the_edge(figure: Figure) -> list[str]:
    """Texts that do not lie within the figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    edge = figure.bbox.padded(3)
    found = [each for each in figure.findobj(Text) if each.get_visible() and each.get_text().strip()]
    boxes = {each.get_text(): each.get_window_extent(canvas.get_renderer()) for each in found}
    return [
        text
        for text, box in boxes.items()
        if not (edge.contains(box.x0, box.y0) and edge.contains(box.x1, box.y1))
    ]
