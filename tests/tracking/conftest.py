"""A real MLflow store on SQLite for the tests of tracking."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nemesis_sweep.tracking.store import Tracking, prepare


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared home; making MLflow's tables takes seconds, so tests copy it."""
    home = tmp_path_factory.mktemp("tracking") / "home"
    prepare(home, "pan", "pan", params={"budget.trials": 12})
    return home


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    """A home of one's own with tables but without a sweep (MLflow remembers artifact folders by run)."""
    copy = Path(shutil.copytree(empty_home, tmp_path / "sweeps" / "pan"))
    (copy / "tracking.json").unlink()
    # By its own database, too, the home would be known again.
    with closing(sqlite3.connect(copy / "mlflow.db")) as connection, connection:
        connection.execute("DELETE FROM tags WHERE key = 'nemesis.sweep.id'")
    return copy


@pytest.fixture
def tracking(home: Path) -> Tracking:
    """Where the sweep in `home` is recorded."""
    return prepare(home, "pan", "pan", params={"budget.trials": 12})
