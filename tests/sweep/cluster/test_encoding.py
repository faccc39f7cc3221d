"""What is encoded before the first trial: the views and the precision that trials will ask for."""

import os

import pytest
import torch

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cluster import encoding
from nemesis_sweep.sweep.cluster.encoding import encoding_of, parts_of
from nemesis_sweep.sweep.worker import image_check
from nemesis_sweep.sweep.worker.image_check import encode_pictures

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


class Session:
    """Somebody else's cluster."""

    own = False

    def start(self):
        return {"CPU": 36.0, "GPU": 1.0}


def test_workers_that_encode_are_not_waited_for_where_no_node_has_room(make_sweep, monkeypatch):
    monkeypatch.setattr(encoding, "nodes_there", lambda: [{"CPU": 32.0}, {"CPU": 4.0, "GPU": 1.0}])
    with pytest.raises(UserError, match="no node has enough CPUs and GPUs; found cpus 8, gpus 1"):
        encoding._share(make_sweep("resources.cpus=8"), Session())
    assert encoding._share(make_sweep("resources.cpus=8", "resources.gpus=0"), Session()) == {"cpu": 8.0}
    assert encoding._share(make_sweep("resources.cpus=3"), Session()) == {"cpu": 3.0, "gpu": 1.0}


@pytest.mark.parametrize(("given", "visible"), [([], ""), (["1"], "1")])
def test_a_worker_that_encodes_uses_the_gpu_it_was_given_and_no_other(tmp_path, monkeypatch, given, visible):
    """Ray leaves a task without GPUs all of them; the cap of a share is for it, too."""
    import ray

    told = []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "get_gpu_ids", lambda: given)
    monkeypatch.setattr(image_check, "gpu_share", lambda: 0.5)
    monkeypatch.setattr(image_check, "keep_to_share", lambda *share: told.append(share))
    assert encode_pictures([], [1], str(tmp_path), torch.get_num_threads(), {"a": ""}) == {"a": ""}
    assert os.environ["CUDA_VISIBLE_DEVICES"] == visible
    assert told == [(0.5, tmp_path)]


def test_the_tokens_before_every_number_of_blocks_are_encoded(make_sweep) -> None:
    more = (
        "tasks.backbone=ViT-B-16",
        "space.prompt={choices: [coop, vpt]}",
        "space.vision_last={choices: [1, 3]}",
    )
    (task,) = (sweep := make_sweep(*more)).task_list()
    assert encoding_of(sweep, task)["reads"] == ["pooled", "states-1", "states-3"]
