"""Confirmations: the best once more on fresh seeds, when everything else is over, each once."""

import pytest
from optuna.trial import TrialState

from nemesis_sweep.sweep.best import best_trial
from nemesis_sweep.sweep.control import missing_control
from nemesis_sweep.sweep.handed_out import spec_of
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.joint import JointStudy
from nemesis_sweep.sweep.proposal import BASELINE, SEEDS
from nemesis_sweep.sweep.rows import trial_rows

CONFIRM = ("search.confirm={top: 2, seeds: 3}", "search.baselines=[zero_shot, coop, control]")
ALL = ["zero_shot", "coop", *"012345", "control-of-3", "confirm-of-3", "confirm-of-5", "confirm-of-coop"]
VALUES = {"3": 9.0, "5": 8.0, "zero_shot": 99.0}


@pytest.fixture
def sweep(make_sweep):
    return make_sweep("space.n_ctx={choices: [4, 8]}", *CONFIRM)


def run(study, until: int | None = None, **values: float):
    """Ask and tell, one at a time; what was proposed, in order."""
    known, proposals = VALUES | values, []
    while (until is None or len(proposals) < until) and (proposal := study.next()) is not None:
        proposals.append(proposal)
        study.tell(proposal.number, TrialState.COMPLETE, known.get(proposal.number, 1.0), 1.0)
    return proposals


def numbers(proposals) -> list[str]:
    return [proposal.number for proposal in proposals]


def test_the_best_and_plain_coop_are_trained_again_last_and_differ_in_their_seeds_alone(sweep, open_study):
    study = open_study(sweep)
    proposals = run(study)
    assert numbers(proposals) == ALL and not study.has_more()
    handed = {proposal.number: proposal for proposal in proposals}
    for number in ("3", "5", "coop"):
        again, before = handed[f"confirm-of-{number}"], handed[number]
        assert (again.baseline, dict(again.params)) == ("confirm", {})
        assert (again.methods, again.seeds, before.seeds) == (before.methods, (3, 4, 5), (1, 2))
        assert dict(study.trials())[again.number].user_attrs[SEEDS] == [3, 4, 5]


def test_a_worker_is_given_the_fresh_seeds_and_so_is_whoever_checks_its_result(sweep, open_study, tmp_path):
    study = open_study(sweep)
    proposal = run(study)[-1]
    spec = spec_of(Home(tmp_path), study, proposal)
    assert spec.seeds == spec.owner.seeds == (3, 4, 5)
    (row,) = trial_rows(study, proposal.number, dict(study.trials())[proposal.number], tmp_path)
    assert (row.baseline, row.seeds) == ("confirm", [3, 4, 5])


def test_they_never_are_the_best_nor_need_a_control_nor_count_as_points(sweep, open_study):
    study = open_study(sweep)
    run(study, **{"confirm-of-5": 50.0})
    assert best_trial(study.trials(), ["maximize"])[0] == "3"
    assert study.next() is None
    assert len(study.study.trials) == 6
    methods = lambda number, trial: study.proposal(number, trial).methods  # noqa: E731
    assert missing_control(sweep, study.tasks, study.trials(), methods) is None


def test_they_wait_for_all_that_may_change_which_are_the_best(sweep, open_study):
    study = open_study(sweep)
    run(study, until=7)
    last = study.next()
    assert last.number == "5" and study.next() is None and study.has_more()
    study.tell("5", TrialState.COMPLETE, 8.0, 1.0)
    control = study.next()
    assert control.number == "control-of-3" and study.next() is None and study.has_more()
    study.tell("control-of-3", TrialState.COMPLETE, 10.0, 1.0)
    # They need not wait for one another, and a control that is the best is confirmed like any other.
    out = [study.next().number for _ in range(3)]
    assert out == ["confirm-of-control-of-3", "confirm-of-3", "confirm-of-coop"]
    assert study.next() is None and not study.has_more()


@pytest.mark.parametrize("ended", [9, 10, 11])
def test_a_driver_that_dies_among_them_repeats_none_and_loses_none(sweep, open_study, ended):
    run(open_study(sweep), until=ended)
    assert open_study(sweep).next().number == ALL[ended]
    again = open_study(sweep)
    assert again.total == len(ALL)
    assert numbers(run(again)) == ALL[ended:]
    assert not open_study(sweep).has_more()


def test_one_that_died_before_it_had_a_name_never_began(sweep, open_study):
    study = open_study(sweep)
    run(study, until=9)
    study.beside.study.ask().set_user_attr(SEEDS, [3, 4, 5])
    again = open_study(sweep)
    assert numbers(run(again)) == ALL[9:]
    assert [BASELINE in trial.user_attrs for trial in again.beside.study.trials].count(False) == 1


def test_plain_coop_among_the_best_is_confirmed_once(sweep, open_study):
    study = open_study(sweep)
    assert numbers(run(study, coop=8.5))[-2:] == ["confirm-of-3", "confirm-of-coop"]
    assert study.total == len(ALL) - 1


def test_plain_coop_is_confirmed_where_it_is_no_row(make_sweep, open_study):
    sweep = make_sweep(CONFIRM[0], "search.baselines=[]", "budget.trials=1")
    coop = run(open_study(sweep))[-1]
    assert (coop.number, coop.method.omega, coop.method.n_ctx) == ("confirm-of-coop", 0.0, 16)


def test_a_sweep_that_grows_confirms_what_is_among_its_best_then(sweep, make_sweep, open_study):
    run(open_study(sweep))
    larger = make_sweep("space.n_ctx={choices: [4, 8]}", *CONFIRM, "budget.trials=7")
    assert numbers(run(open_study(larger), **{"6": 8.5})) == ["6", "confirm-of-6"]


def test_nothing_is_confirmed_where_nothing_completed(make_sweep, open_study):
    study = open_study(make_sweep(CONFIRM[0], "search.baselines=[]", "budget.trials=1"))
    proposal = study.next()
    study.tell(proposal.number, TrialState.FAIL, None, 1.0, "broken")
    assert study.next() is None and not study.has_more()
    assert study.total == 1


def test_of_a_joint_study_every_task_has_the_fresh_seeds(make_sweep, storage, tmp_path):
    sweep = make_sweep("tasks.shots=[4, 16]", "search.study=joint", "budget.trials=1", *CONFIRM)
    study = JointStudy(sweep, storage)
    proposal = run(study)[-1]
    spec = spec_of(Home(tmp_path), study, proposal)
    assert [part.seeds for part in spec.parts] == [(3, 4, 5)] * 2
    assert spec.owner.seeds == (3, 4, 5)


def test_of_several_objectives_the_front_is_confirmed(make_sweep, open_study):
    sweep = make_sweep("search.objective=[val/accuracy, norm/mean]", *CONFIRM, "budget.trials=3")
    study = open_study(sweep)
    # By the first objective alone 1 would be the second best, but 0 is better by both.
    values = {"0": (9.0, 1.0), "1": (8.0, 2.0), "2": (7.0, 0.5), "coop": (1.0, 9.0)}
    asked = []
    while (proposal := study.next()) is not None:
        asked.append(proposal.number)
        study.tell(proposal.number, TrialState.COMPLETE, values.get(proposal.number, (0.0, 9.0)), 1.0)
    assert [number for number in asked if number.startswith("confirm")] == [
        "confirm-of-0",
        "confirm-of-2",
        "confirm-of-coop",
    ]
