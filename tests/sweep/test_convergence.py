"""A search that ends when less is left to gain than the replicates can tell apart."""

import math
from pathlib import Path

import optuna
import pytest
from optuna.terminator import RegretBoundEvaluator, Terminator
from optuna.trial import TrialState

from nemesis_sweep.report.status_table import status_table
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.convergence import (
    ASKED,
    ERROR,
    STARTUP,
    Convergence,
    ReplicateError,
    ask_again,
    ending,
    last_answer,
    next_asked,
    standard_error,
)
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.rows import trial_rows
from nemesis_sweep.sweep.runner import open_studies
from nemesis_sweep.sweep.status import sweep_status
from tests.sweep.test_broker import Silent

UNTIL = ("budget={until: converged, trials: 60}", "search.sampler=random", "search.pruner=none")
ROWS = "search.baselines=[coop, control]"


def value_of(proposal) -> float:
    """A smooth hill over omega, as high for each length."""
    return 60 - 3 * math.log10(proposal.params.get("omega", 0.1)) ** 2


def run(study, error: float | None = 1.0, until: int = 1000) -> list[str]:
    """Ask and tell, one at a time; the numbers in the order in which they came."""
    numbers: list[str] = []
    while len(numbers) < until and (proposal := study.next()) is not None:
        numbers.append(proposal.number)
        if error is not None:
            study.note(proposal.number, ERROR, error)
        study.tell(proposal.number, TrialState.COMPLETE, value_of(proposal), 1.0)
    return numbers


@pytest.fixture
def opened(storage):
    def open_(sweep):
        (study,) = open_studies(sweep, Home(Path("nowhere")), storage)
        return study

    return open_


def test_the_standard_error_by_hand():
    assert standard_error([1.0, 2.0, 3.0]) == pytest.approx(1 / math.sqrt(3))
    assert standard_error([1.0]) is standard_error([]) is standard_error([1.0, math.nan]) is None


def test_it_is_asked_at_intervals_that_grow():
    asked, complete = [], 0
    while complete < 120:
        complete = next_asked(complete)
        asked.append(complete)
    assert asked[:4] == [20, 25, 30, 35]
    assert asked[-3:] == [103, 113, 124]


def test_the_words_for_how_it_ended():
    reached, missed = Convergence(40, 0.21, 0.9), Convergence(40, 1.4, 0.9)
    told = "stopped after 43 of 200 trials: possible improvement 0.21 below the error of 0.9"
    assert ending(43, 200, reached) == told
    assert ending(43, 200, missed) == ending(43, 200, None) == ""
    assert ending(9, 9, missed) == "took all 9 trials: possible improvement 1.4 not below the error of 0.9"
    assert ending(9, 9, None) == "took all 9 trials"


@pytest.mark.parametrize("study_of", ["per_task", "joint"])
def test_a_search_stops_by_itself_then_what_comes_last_is_trained_and_no_more(make_sweep, opened, study_of):
    more = (ROWS, "search.confirm={top: 1}", f"search.study={study_of}")
    study = opened(make_sweep(*UNTIL, *more))
    numbers = run(study)
    points = [number for number in numbers if number.isdigit()]
    assert STARTUP <= len(points) < 60 and len(points) % 5 == 0
    best = max(points, key=lambda number: dict(study.trials())[number].value)
    last = [number for number in numbers[len(points) + 1 :] if not number.startswith("control-of-")]
    assert last == [f"confirm-of-{best}", "confirm-of-coop"]
    assert study.ending.startswith(f"stopped after {len(points)} of 60 trials: possible improvement ")
    assert study.ending.endswith(" below the error of 1")
    assert not study.has_more() and study.total == len(numbers)
    # Whoever drives it next does not ask again, and begins nothing.
    answer = study.study.user_attrs[ASKED]
    again = opened(make_sweep(*UNTIL, *more))
    assert again.next() is None and again.study.user_attrs[ASKED] == answer
    assert (again.ending, again.total) == (study.ending, study.total)
    # Without it the search goes on, and a later answer is a new one.
    free = opened(make_sweep("budget.trials=60", *UNTIL[1:], *more))
    assert free.next().number == str(len(points))
    assert free.ending == "" and free.study.user_attrs[ASKED] is None


def test_the_answer_is_that_of_optunas_terminator_and_the_same_for_the_same_trials(make_sweep, opened):
    """Also where the driver died between the end of a trial and the question."""
    sweep = make_sweep(*UNTIL, "search.baselines=[]")
    study = opened(sweep)
    run(study, until=STARTUP - 1)
    assert last_answer(study.study.user_attrs) is None
    last = study.next()
    trial = study._live[last.number]
    trial.set_user_attr(ERROR, 1.0)
    study.study.tell(trial, value_of(last))
    again = opened(sweep)
    answer = last_answer(again.study.user_attrs)
    assert answer.complete == STARTUP
    again.study.set_user_attr(ASKED, None)
    assert ask_again(again.study, again.proposer.seed) == answer
    seed = again.proposer.seed(f"convergence {STARTUP}")
    for error, stops in ((answer.improvement * 1.01, True), (answer.improvement * 0.99, False)):
        fixed = optuna.terminator.StaticErrorEvaluator(error)
        plain = Terminator(RegretBoundEvaluator(seed=seed), fixed)
        assert bool(plain.should_terminate(again.study)) is stops


def test_the_broker_keeps_the_error_of_each_trial_and_says_how_a_search_ended(make_sweep, opened, tmp_path):
    said = []

    class Watcher(Silent):
        def say(self, line):
            said.append(line)

    sweep = make_sweep(*UNTIL, "search.baselines=[]")
    study = opened(sweep)
    broker = TrialBroker(sweep, Home(tmp_path), [study], Watcher())
    while (config := broker.next("t")) is not None:
        value = 60 - 3 * math.log10(config["params"]["omega"]) ** 2
        measured = {"val/accuracy": [value - 1, value + 1]}
        broker.complete("t", Report(done=True, metrics={"val/accuracy": value}, replicates=measured))
    assert all(trial.user_attrs[ERROR] == pytest.approx(1.0) for _, trial in study.trials())
    assert study.proposer.asked < 60
    assert said == [f"{study.key}: the search {study.ending}"]


def test_status_says_how_far_a_search_is_and_how_it_ended(make_sweep, tmp_path):
    sweep, home = make_sweep(*UNTIL, ROWS), Home(tmp_path / "home")
    home.create()
    home.sweep_file.write_text(sweep_to_yaml(sweep))
    (study,) = open_studies(sweep, home)
    run(study, error=1e-6, until=STARTUP + 1)
    (now,) = sweep_status(home).studies
    assert now.search.startswith("goes on: possible improvement ") and now.total == 61
    assert now.search.endswith(f"not below the error of 1e-06 after {STARTUP} complete trials")
    study.study.set_user_attr(ASKED, {"complete": STARTUP, "improvement": 0.21, "error": 0.9})
    (again,) = open_studies(sweep, home)
    assert run(again)[0] == "control-of-" + sweep_status(home).studies[0].best_trial
    status = sweep_status(home)
    told = f"stopped after {STARTUP} of 60 trials: possible improvement 0.21 below the error of 0.9"
    assert (status.studies[0].search, status.studies[0].total) == (told, STARTUP + 2)
    assert status.is_done
    assert f"{study.key}: the search {told}" in [str(each) for each in status_table(status).renderables]
    (row,) = trial_rows(again, "0", dict(again.trials())["0"], home.path)
    assert row.stopped == told


def test_without_errors_of_the_replicates_it_takes_all_trials(make_sweep, opened):
    study = opened(make_sweep("budget={until: converged, trials: 26}", *UNTIL[1:], "search.baselines=[]"))
    assert len(run(study, error=None)) == 26
    assert study.ending.startswith("took all 26 trials: possible improvement ")
    assert study.ending.endswith(", and no error of the best to compare it with")


def test_the_error_is_that_of_the_best_that_keeps_the_constraints():
    study = optuna.create_study()
    for value, error, excess in ((9.0, 0.1, 1.0), (8.0, 0.2, -1.0), (7.0, 0.3, -1.0)):
        trial = study.ask()
        trial.set_user_attr(ERROR, error)
        trial.set_constraint("norm/mean <= 3", excess)
        study.tell(trial, value)
    maximize, minimize = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
    assert ReplicateError().evaluate(study.trials, maximize) == 0.2
    assert ReplicateError().evaluate(study.trials, minimize) == 0.3
    assert math.isnan(ReplicateError().evaluate(study.trials[:1], maximize))
