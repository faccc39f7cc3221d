"""Backbones for every kind of prompt."""

import pytest

from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.testing.tiny_backbones import tiny_backbone


@pytest.fixture(scope="session")
def tiny_resnet():
    """CLIP with a small ResNet, whose attention pool has five tokens, random weights."""
    return tiny_backbone("patches")


@pytest.fixture(scope="session")
def backbones():
    """A backbone that can carry it, by the kind of prompt."""
    return {kind: tiny_backbone(entry.reads) for kind, entry in PROMPTS.items()}
