"""Which prompt of a sweep is meant, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nemesis_sweep.sweep.home.folder import home_at
from nemesis_sweep.sweep.learnt_folder import learnt_folder
from tests.sweep.home.earlier import DIGITS, unpacked


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(tmp_path_factory.mktemp("homes")) / "per_task"


def test_of_a_sweep_that_still_runs_it_is_the_best_so_far(home: Path) -> None:
    told = learnt_folder(home, DIGITS).about
    assert ", the best of sweep " in told
    with home_at(home).driver_lock():
        assert learnt_folder(home, DIGITS).about == told  # Every trial is over: the report is written.
        file = home / "sweep.yaml"
        file.write_text(file.read_text().replace("trials: ", "trials: 10"))
        running = learnt_folder(home, DIGITS).about
    so_far = told.replace("the best of", "the best so far of")
    assert running == so_far.replace(" by val", ", which still runs, by val")
    assert learnt_folder(home, DIGITS).about == told
