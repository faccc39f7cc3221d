"""How many GPUs Ray is told of."""

import sys

import pytest

from nemesis_sweep.sweep.cluster.gpus_here import gpus_here


@pytest.mark.parametrize(
    ("visible", "told"),
    [
        (None, None),
        ("", None),
        ("0,1", None),
        ("GPU-8a0f", None),
        ("MIG-1f0e", 1),
        ("MIG-1f0e, MIG-GPU-8a0f/1/0,MIG-77", 3),
    ],
)
def test_instances_of_a_divided_gpu_count_one_by_one(monkeypatch, visible, told):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus_here(None) == told
    assert gpus_here(2) == 2


def test_apples_counts_for_nothing(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert gpus_here(None) == 0
    assert gpus_here(1) == 1
