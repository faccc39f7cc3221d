"""The grid: every point once, whatever was tried before, and an end."""

import optuna
import pytest
from optuna.trial import TrialState

from nemesis_sweep.spec.draw import all_points
from nemesis_sweep.sweep.space.planned import room, trials_of
from nemesis_sweep.sweep.study import TaskStudy

GRID = [
    "search.sampler=grid",
    "space.omega={low: 0, high: 1, step: 0.25}",
    "space.n_ctx={choices: [4, 8]}",
    "search.baselines=[]",
]


def drain(sweep, storage, state=TrialState.COMPLETE):
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, storage)
    tried = []
    while (proposal := study.next()) is not None:
        study.tell(proposal.number, state, 50.0, 1.0)
        tried.append(dict(proposal.params))
    return study, tried


def same(points, others):
    return sorted(map(str, points)) == sorted(map(str, others))


def test_a_large_budget_tries_every_point_once_and_ends(make_sweep, storage):
    sweep = make_sweep(*GRID, "budget.trials=100")
    study, tried = drain(sweep, storage)
    assert same(tried, all_points(sweep.space)) and len(tried) == 10
    assert not study.has_more() and study.total == 10
    assert room(sweep, study.tasks) == trials_of(sweep, study.tasks) == 10


def test_a_small_budget_tries_some_of_them_and_a_larger_one_the_rest(make_sweep, storage):
    study, first = drain(make_sweep(*GRID, "budget.trials=4"), storage)
    assert study.total == len(first) == 4
    _, rest = drain(make_sweep(*GRID, "budget.trials=30"), storage)
    assert same([*first, *rest], all_points(study.sweep.space))
    assert {point["n_ctx"] for point in first} == {4, 8}  # not in the order of the file


def test_the_order_is_the_seeds(make_sweep):
    orders = [
        drain(make_sweep(*GRID, f"search.seed={seed}"), optuna.storages.InMemoryStorage())[1]
        for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]


def test_points_of_the_user_are_not_tried_again(make_sweep, storage):
    points = "search.points=[{omega: 0.5, n_ctx: 8}, {omega: 0.75}]"
    sweep = make_sweep(*GRID, points, "budget.trials=100")
    _, tried = drain(sweep, storage)
    assert tried[0] == {"omega": 0.5, "n_ctx": 8} and tried[1]["omega"] == 0.75
    assert same(tried, all_points(sweep.space))


def test_trials_at_once_get_different_points(make_sweep, storage):
    sweep = make_sweep(*GRID, "budget.trials=100")
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, storage)
    running = [study.next() for _ in range(10)]
    assert same([dict(p.params) for p in running], all_points(sweep.space))
    assert study.next() is None
    restarted = TaskStudy(sweep, task, storage)
    assert [restarted.next() for _ in range(11)] == [*running, None]


def test_a_point_that_failed_is_not_tried_for_ever(make_sweep, storage):
    _, tried = drain(make_sweep(*GRID, "budget.trials=100"), storage, TrialState.FAIL)
    assert len(tried) == 10


@pytest.mark.parametrize("trials", [3, 100])
def test_conditional_spaces_are_grids_too(make_sweep, storage, trials):
    text = f"""
name: made
tasks: {{dataset: digits, shots: 4}}
method: {{omega: 1}}
space: {{beta: {{choices: {{0: {{n_positions: {{low: 1, high: 3}}}}, 1: {{}}}}}}}}
search: {{sampler: grid, baselines: []}}
budget: {{trials: {trials}}}
"""
    _, tried = drain(make_sweep(text=text), storage)
    expected = [{"beta": 0.0, "n_positions": n} for n in (1, 2, 3)] + [{"beta": 1.0}]
    assert same(tried, expected) if trials == 100 else len(tried) == 3
