from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator

from nemesis_sweep.report.page.figures.importances import PIECE
from nemesis_sweep.report.page.importance import draws_for, importances
from nemesis_sweep.report.page.pieces import Note, Picture
from tests.report.page.made import Trial, material

SPACE = {
    "strong": FloatDistribution(0, 1),
    "weak": FloatDistribution(0, 1),
    "kind": CategoricalDistribution(["a", "b"]),
}


@pytest.fixture(scope="module")
def trials():
    """60 trials that only `strong` makes good; half of them have `inner` too."""
    generator = np.random.default_rng(1)
    made = []
    for number in range(60):
        params = {"strong": generator.uniform(), "weak": generator.uniform(), "kind": "ab"[number % 2]}
        space = dict(SPACE)
        if params["kind"] == "a":
            params["inner"], space["inner"] = generator.uniform(), FloatDistribution(0, 1)
        trial = optuna.trial.create_trial(params=params, distributions=space, value=params["strong"])
        trial.number = trial._trial_id = number
        made.append(trial)
    return made


NAMES = ["strong", "weak", "kind", "inner"]


def test_shares_are_those_of_optunas_evaluator(trials) -> None:
    study = optuna.create_study()
    study.add_trials(trials)
    theirs = PedAnovaImportanceEvaluator().evaluate(study)
    ours = {each.name: each.share for each in importances(trials, [t.value for t in trials], NAMES, draws=1)}
    total = sum(theirs.values())
    assert ours == pytest.approx({name: value / total for name, value in theirs.items()})


def test_what_decides_comes_first_and_its_interval_is_apart(trials) -> None:
    first, *others = importances(trials, [trial.value for trial in trials], NAMES, draws=20)
    assert first.name == "strong"
    assert first.low <= first.high
    assert first.low > max(each.share for each in others)


def test_the_same_trials_have_the_same_intervals(trials) -> None:
    values = [trial.value for trial in trials]
    assert importances(trials, values, NAMES, draws=3) == importances(trials, values, NAMES, draws=3)


def test_of_a_few_trials_nothing_is_told(trials) -> None:
    assert importances(trials[:19], [trial.value for trial in trials[:19]], NAMES) == []
    trials = [Trial({"omega": 1.0 + n, "beta": 1.0}, 60 + n) for n in range(6)]
    (made,) = PIECE.make(material({"digits-1shot": trials}))
    assert isinstance(made, Note)
    assert "digits 1-shot (6)" in made.text


def test_a_large_search_or_many_have_fewer_resamples() -> None:
    assert draws_for(100, 1) == 100
    assert draws_for(100, 10) == 30
    assert draws_for(10_000, 1) == draws_for(10, 1000) == 20


def test_the_picture_shows_share_and_interval_of_every_dimension() -> None:
    trials = [Trial({"omega": 1.0 + 4 * n, "beta": 1.0 if n % 2 else 0.0}, 60 + n) for n in range(24)]
    (made,) = PIECE.make(material({"digits-1shot": trials}))
    assert isinstance(made, Picture)
    (ax,) = made.figure.axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["omega", "beta"]
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(1)
    assert len(ax.lines) == 2
