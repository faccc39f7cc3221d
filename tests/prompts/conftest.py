"""Backbones for every kind of prompt."""

import pytest

from nemesis_sweep.spec.prompts import PROMPTS


@pytest.fixture(scope="session")
def backbones(tiny_backbone):
    """A backbone that can carry it, by the kind of prompt."""
    return dict.fromkeys(PROMPTS, tiny_backbone)
