"""Image by image: counts by hand."""

from nemesis_sweep.report.page.tables.image_by_image import PIECE
from tests.report.page.two_trials import material_of, two_trials


def test_every_image_of_every_replicate_is_counted_once():
    labels = [0, 0, 1, 1, 2, 2]
    best = [[0, 0, 1, 1, 3, 3], [0, 1, 2, 1, 3, 0]]
    coop = [[0, 1, 0, 0, 3, 0], [1, 0, 2, 1, 0, 2]]
    (table,) = PIECE.make(material_of(two_trials(labels, best, coop)))
    names = [column.name for column in table.columns]
    first, second = (dict(zip(names, line.cells, strict=True)) for line in table.lines)
    assert first == {
        "seed": 1,
        "images": 6,
        "both right": 1,
        "won": 3,
        "lost": 0,
        "both wrong, alike": 1,
        "both wrong, otherwise": 1,
        "McNemar p": 0.25,
    }
    counts = [second[name] for name in names[2:7]]
    assert (counts, sum(counts)) == ([1, 1, 2, 1, 1], 6)
