"""GPU memory: measured and capped. Without a GPU torch's own calls are stood in for; test_auto_share.py and
test_out_of_memory.py have real Ray."""

import pytest
import torch

from nemesis_sweep.sweep.worker.gpu_memory import Memory, give_back, gpu_share, keep_to_share, measure_memory


@pytest.fixture
def capped(monkeypatch):
    """The fractions that torch was told, on a machine that seems to have a GPU."""
    told = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", told.append)
    return told


@pytest.mark.parametrize(("share", "told"), [(0.25, [0.25]), (0.0, []), (1.0, []), (2.0, [])])
def test_fractions_are_capped_and_whole_gpus_are_not(capped, share, told):
    keep_to_share(share)
    assert capped == told


def test_without_a_gpu_nothing_happens():
    keep_to_share(0.5)
    assert not torch.cuda.is_initialized()


def test_outside_of_ray_there_is_no_share():
    assert gpu_share() == 0.0


GIB = 2**30


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
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: called.append("reset"))
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 3 * GIB)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 2 * GIB)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (13 * GIB, 16 * GIB))
    assert measure_memory(lambda: called.append("work"), 0) == Memory(3 * GIB, GIB, 16 * GIB)
    assert called == ["reset", "work"]


def test_without_a_gpu_it_is_the_memory_of_the_process():
    before = measure_memory(lambda: None, GIB)
    after = measure_memory(lambda: torch.ones(2 * before.peak // 4 + 2**26), GIB)
    assert after.total == GIB
    assert after.peak > 2 * before.peak


def test_what_a_failed_trial_leaves_is_given_back(monkeypatch):
    called = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: called.append("emptied"))
    give_back()
    assert called == ["emptied"]
