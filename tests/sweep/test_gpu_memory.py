"""The cap on GPU memory. Without a GPU torch's own calls are stood in for; test_runner.py has real Ray."""

import pytest
import torch

from nemesis_sweep.sweep.gpu_memory import gpu_share, keep_to_share


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
