"""What is encoded before the first trial: the views and the precision that trials will ask for."""

import pytest

from nemesis_sweep.sweep.cluster.encoding import encoding_of, parts_of

TEXT = """
name: made
tasks: {dataset: [digits, emoji], shots: [1, 4]}
method: {beta: 0, epochs: 6, per_shots: {4: {epochs: 9, views: epochs}}, per_dataset: {emoji: {views: 3}}}
space:
  omega: {low: 0.1, high: 100, log: true}
"""


def test_views_and_precision_are_those_of_the_task(make_sweep) -> None:
    sweep = make_sweep(text=TEXT)
    found = {task.key: encoding_of(sweep, task) for task in sweep.task_list()}
    views = {(one["task"]["dataset"], one["task"]["shots"]): one["views"] for one in found.values()}
    assert views == {("digits", 1): 16, ("digits", 4): 9, ("emoji", 1): 3, ("emoji", 4): 3}
    assert {one["precision"] for one in found.values()} == {"fp32"}


@pytest.mark.parametrize("views", ["[1, 8]", "[8, epochs]"])
def test_of_views_that_are_searched_one_is_encoded(make_sweep, views) -> None:
    sweep = make_sweep(f"space.views={{choices: {views}}}", "space.precision={choices: [bf16]}")
    (task,) = sweep.task_list()
    found = encoding_of(sweep, task)
    assert found["views"] in (1, 8) and found["precision"] in ("bf16", "fp32")


@pytest.mark.parametrize("most", [1, 2, 3, 9])
def test_tasks_that_share_pictures_go_to_one_worker_and_none_is_lost(make_sweep, most) -> None:
    tasks = make_sweep("tasks.dataset=[digits, emoji, clipart]", text=TEXT).task_list()
    parts = parts_of(tasks, most)
    assert len(parts) == min(most, 3)
    assert sorted(task.key for part in parts for task in part) == sorted(task.key for task in tasks)
    for name in ("digits", "emoji", "clipart"):
        assert len([part for part in parts if any(task.dataset == name for task in part)]) == 1
