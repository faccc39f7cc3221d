"""Rows without a prompt on a GPU against the CPU: the choices on validation and what is learnt."""

import pytest

from nemesis_sweep.spec.baselines import PROMPTLESS
from nemesis_sweep.training.episode_features import episode_features
from nemesis_sweep.training.references.measured import measure_of

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("name", PROMPTLESS)
def test_accuracies_are_those_of_the_cpu(name, tiny_backbone, colours):
    """Of 40 images one may be on the border between two classes."""
    features = episode_features(colours, tiny_backbone, shots=4, seeds=(1, 2), views=2)
    here = measure_of(name)(tiny_backbone, colours, features)
    there = measure_of(name)(tiny_backbone.to(device="cuda"), colours, features)
    assert set(there.metrics) == set(here.metrics) and set(there.values) == set(here.values)
    for split in ("val", "test"):
        expected = here.metrics[f"{split}/accuracy"]
        assert there.metrics[f"{split}/accuracy"] == pytest.approx(expected, abs=100 / 16 + 1e-6)
