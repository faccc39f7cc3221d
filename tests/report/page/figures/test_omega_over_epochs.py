"""Omega(e) of the winners, where the search tried several annealings."""

from nemesis_sweep.report.page.figures.omega_over_epochs import PIECE, strengths
from tests.report.page.made import SWEEP, Trial, material

SPACE = SWEEP.replace(
    "space:", "space:\n  anneal: {choices: {constant: {}, linear: {anneal_end: {low: 0.0, high: 2.0}}}}"
)
CONSTANT = Trial({"omega": 4.0, "beta": 1.0, "anneal": "constant"}, 50)
FALLING = Trial({"omega": 8.0, "beta": 0.0, "corruption": 0.5, "anneal": "linear", "anneal_end": 0.5}, 70)


def test_the_best_of_each_loss_is_drawn_as_it_was_penalised() -> None:
    (picture,) = PIECE.make(material({"digits-1shot": [CONSTANT, FALLING]}, SPACE))
    (ax,) = picture.figure.axes
    ends = {line.get_label(): line.get_ydata()[[0, -1]].tolist() for line in ax.lines}
    assert ends == {"best PUN": [4.0, 4.0], "best found": [8.0, 4.0]}
    assert len(ax.lines[0].get_xdata()) == 50


def test_nothing_is_drawn_where_all_trials_have_the_same_annealing() -> None:
    stronger = Trial({**CONSTANT.params, "omega": 9.0}, 60)
    assert not list(PIECE.make(material({"digits-1shot": [CONSTANT, stronger]}, SPACE)))


def test_an_annealing_that_is_not_there_any_more_has_no_curve() -> None:
    assert strengths({"omega": 1.0, "anneal": "no_such_module:curve", "epochs": 5}) == []


def test_a_row_of_an_earlier_version_has_the_published_slope() -> None:
    assert strengths({"omega": 2.0, "anneal": "logistic", "epochs": 50})[25] == 1.0
