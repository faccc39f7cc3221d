"""GPU memory: measured and capped. Without a GPU torch's own calls are stood in for; test_auto_share.py and
test_out_of_memory.py have real Ray."""

import os

import pytest
import torch

from nemesis_sweep.sweep.home.gpu_share import write_share
from nemesis_sweep.sweep.worker import gpu_memory
from nemesis_sweep.sweep.worker.gpu_memory import (
    CONTEXT,
    Memory,
    give_back,
    gpu_share,
    hide_gpus,
    keep_to_share,
    measure_memory,
)

GIB = 2**30


@pytest.fixture
def capped(monkeypatch):
    """The fractions that torch was told, on a machine that seems to have a GPU."""
    told = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (3 * GIB, 16 * GIB))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", told.append)
    return told


@pytest.mark.parametrize(("share", "told"), [(0.25, [0.25 - 1 / 32]), (0.0, []), (1.0, [])])
def test_fractions_are_capped_and_whole_gpus_are_not(capped, tmp_path, share, told):
    """What CUDA takes for itself is part of the share: half a GiB of 16 where nobody knows."""
    assert CONTEXT == GIB // 2
    keep_to_share(share, tmp_path)
    assert capped == told


def test_what_cuda_takes_is_as_the_home_has_it_measured(capped, tmp_path):
    write_share(tmp_path, {"share": 0.25, "memory": {"peak": GIB, "context": 2 * GIB, "total": 16 * GIB}})
    keep_to_share(0.25, tmp_path)
    keep_to_share(0.1, tmp_path)
    assert capped == [0.125, gpu_memory.LEAST]


def test_without_a_gpu_nothing_happens(tmp_path):
    keep_to_share(0.5, tmp_path)
    assert not torch.cuda.is_initialized()


@pytest.mark.parametrize(("given", "visible"), [([], ""), (["0"], "0,1")])
def test_a_process_that_was_given_no_gpu_sees_none(monkeypatch, given, visible):
    import ray

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    hide_gpus()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"  # Outside of Ray.
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "get_gpu_ids", lambda: given)
    hide_gpus()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == visible


def test_outside_of_ray_there_is_no_share():
    assert gpu_share() == 0.0


@pytest.mark.parametrize(
    ("peak", "context", "share"),
    [
        (0.5, 0.4, 0.125),  # 16 would fit, eight are enough
        (2.0, 0.5, 0.2),  # 16 // (1.2 * 2 + 0.5) is five
        (1.6, 0.3, 0.1428),  # seven, rounded down: Ray counts in steps of 0.0001
        (6.0, 0.5, 0.5),
        (9.0, 0.5, 1.0),
        (16.0, 0.0, 1.0),
    ],
)
def test_the_share_is_one_of_as_many_trials_as_fit_with_headroom(peak, context, share):
    assert Memory(int(peak * GIB), int(context * GIB), 16 * GIB).share == share


def test_a_gpu_is_asked_for_its_peak_and_what_is_used_beside(monkeypatch):
    called = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: called.append("emptied"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: called.append("reset"))
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 3 * GIB)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 2 * GIB)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (13 * GIB, 16 * GIB))
    assert measure_memory(lambda: called.append("work"), 0) == Memory(3 * GIB, GIB, 16 * GIB)
    assert called == ["emptied", "reset", "work"]


def test_without_a_gpu_it_is_the_memory_of_the_process():
    before = measure_memory(lambda: None, GIB)
    after = measure_memory(lambda: torch.ones(before.peak // 4 + 2**26), GIB)
    assert after.total == GIB
    assert after.peak > before.peak + 2**28


@pytest.mark.parametrize(("platform", "size"), [("linux", 1024), ("darwin", 1)])
def test_systems_count_memory_in_different_units(monkeypatch, platform, size):
    monkeypatch.setattr(gpu_memory.sys, "platform", platform)
    counted = gpu_memory.resource.getrusage(gpu_memory.resource.RUSAGE_SELF).ru_maxrss
    assert gpu_memory.process_peak() == pytest.approx(size * counted, rel=0.1)


def test_what_a_failed_trial_leaves_is_given_back(monkeypatch):
    called = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: called.append("emptied"))
    give_back()
    assert called == ["emptied"]
