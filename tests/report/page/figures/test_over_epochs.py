"""Curves over epochs, from a sweep that was trained."""

from nemesis_sweep.report.page.contenders import BEST
from nemesis_sweep.report.page.figures.over_epochs import PIECE
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.mistakes import PLAIN
from nemesis_sweep.report.page.record import read_sweeps


def test_norm_and_accuracy_end_where_the_trial_ended(home):
    material = Material(read_sweeps([home]))
    accuracy, norm = PIECE.make(material)
    for picture, metric in ((accuracy, "val/accuracy"), (norm, "norm/mean")):
        assert len(picture.figure.axes) == len(material.tasks) == 2
        for ax, task in zip(picture.figure.axes, material.tasks, strict=True):
            best, coop = task.contender(BEST).row, task.contender(PLAIN).row
            ends = {line.get_label().split(",")[0]: line.get_xydata()[-1] for line in ax.lines[::-1]}
            wanted = {PLAIN: coop} if best.number == coop.number else {PLAIN: coop, BEST: best}
            assert ends.keys() == wanted.keys()
            for method, row in wanted.items():
                assert ends[method].tolist() == [row.epochs, row.metrics[metric]]
