"""A finished sweep, trained once for all tests of the page, and its report."""

from __future__ import annotations

from pathlib import Path

import pytest

from nemesis_sweep.report.page.build import write_report
from tests.trained_home import make_home

SWEEP = """
name: made
tasks: {dataset: digits, shots: [1, 2], replicates: 3}
method: {epochs: 2, views: 1, n_ctx: 2}
space:
  omega: {low: 0.1, high: 100, log: true}
  beta: {choices: {1: {}, 0: {corruption: {low: 0.0, high: 0.9}}}}
search: {eval_every: 1, pruner: none, sampler: random, baselines: [zero_shot, coop, control]}
budget: {trials: 4}
"""


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        return make_home(tmp_path_factory.mktemp("sweep"), patch, SWEEP)


@pytest.fixture(scope="session")
def report(home) -> Path:
    """The folder of its report."""
    return write_report([home]).parent
