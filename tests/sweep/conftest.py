"""Sweeps and studies without Ray: storage in memory, trials told by hand."""

from pathlib import Path

import optuna
import pytest

from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.study import TaskStudy

TEXT = """
name: made
tasks: {dataset: digits, shots: 4, replicates: 2}
method: {beta: 0, epochs: 20}
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [4, 8, 16]}
search: {eval_every: 5}
budget: {trials: 6}
"""


@pytest.fixture
def make_sweep(tmp_path: Path):
    """A sweep from text, by default the one above, with overrides."""

    def make(*overrides: str, text: str = TEXT):
        file = tmp_path / "made.yaml"
        file.write_text(text)
        return load_sweep(file, overrides, known_names())

    return make


@pytest.fixture
def storage() -> optuna.storages.BaseStorage:
    return optuna.storages.InMemoryStorage()


@pytest.fixture
def open_study(storage):
    """The study of a sweep's only task, opened as a driver would open it after a restart."""

    def open_(sweep):
        (task,) = sweep.task_list()
        return TaskStudy(sweep, task, storage)

    return open_
