"""The learning rate against a published CoOp log."""

import pytest

from nemesis_sweep.training.schedule import learning_rate


def test_the_published_log_of_50_epochs():
    published = [1e-5, 2e-3, 1.998027e-3, 1.992115e-3]
    assert [learning_rate(e, 50, 0.002) for e in range(4)] == pytest.approx(published, rel=1e-6)


def test_the_rate_falls_to_almost_nothing():
    assert learning_rate(199, 200, 0.002) == pytest.approx(4.9e-7, rel=0.02)
