"""A home whose database MLflow 2.14.3 made (`mlflow-2.14.3.sql`, as that version's own client left it)."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.store import Tracking, prepare

REVISION = "5b0e9adcef9c"
OLD = Path(__file__).with_name("mlflow-2.14.3.sql")


@pytest.fixture
def old_home(tmp_path: Path) -> Path:
    home = tmp_path / "pan"
    home.mkdir()
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        connection.executescript(OLD.read_text())
    return home


def runs(tracking: Tracking) -> list:
    query = "tags.`nemesis.trial` != ''"
    return list(connect(tracking.uri).search_runs([tracking.experiment_id], query))


def test_a_sweeps_own_is_upgraded_and_the_former_one_is_kept(old_home: Path) -> None:
    """It holds what it held, and the trials that only it knew of."""
    told: list[str] = []
    tracking = prepare(old_home, "pan", "pan", say=told.append)
    assert [run.data.metrics for run in runs(tracking)] == [{"val/accuracy": 61.5}]
    (line,) = told
    kept = Path(line.rpartition(" ")[2])
    assert kept.parent == old_home
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISION,)]
        assert connection.execute("SELECT value FROM metrics").fetchall() == [(61.5,)]
    assert prepare(old_home, "pan", "pan", say=told.append) == tracking
    assert told == [line]


def test_another_ones_is_refused_in_one_line_and_left_as_it_is(old_home: Path, tmp_path: Path) -> None:
    file = old_home / "mlflow.db"
    before = file.read_bytes()
    with pytest.raises(UserError) as caught:
        prepare(tmp_path / "home", "pan", "pan", f"sqlite:///{file}")
    told = str(caught.value)
    assert len(told.splitlines()) == 1
    assert f"`mlflow db upgrade sqlite:///{file}`" in told
    assert file.read_bytes() == before
