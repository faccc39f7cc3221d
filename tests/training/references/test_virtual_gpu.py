"""Every row without a prompt on a GPU that is none: the same numbers, and tensors of one device."""

import pytest
import torch

from nemesis_sweep.spec.baselines import PROMPTLESS
from nemesis_sweep.training.episode_features import episode_features
from nemesis_sweep.training.references.measured import measure_of
from tests.virtual_gpu import DEVICE, VirtualGPU, plain


@pytest.mark.parametrize("name", PROMPTLESS)
def test_it_is_that_of_the_cpu(name, tiny_backbone, colours):
    features = episode_features(colours, tiny_backbone, shots=2, seeds=(1, 2), views=2)
    here = measure_of(name)(tiny_backbone, colours, features)
    with VirtualGPU() as gpu:
        there = measure_of(name)(tiny_backbone.to(device=DEVICE), colours, features)
    assert not gpu.faults
    for metric, values in here.metrics.items():
        assert there.metrics[metric] == pytest.approx(values, rel=1e-3, abs=1e-6), metric
    for key, value in here.values.items():
        torch.testing.assert_close(plain(there.values[key]), value, rtol=1e-3, atol=1e-3)
