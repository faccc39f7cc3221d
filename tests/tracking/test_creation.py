"""A database that is made while somebody kills, or while others make the same one."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.tracking.creation import create_database
from nemesis_sweep.tracking.store import prepare

MAKE = (
    "import sys; from pathlib import Path; from nemesis_sweep.tracking.store import prepare;"
    "prepare(Path(sys.argv[1]), 'pan', 'pan')"
)


def half_made(home: Path) -> bool:
    """Whether some of MLflow's tables are there, wherever below the home."""
    return any(file.stat().st_size > 200_000 for file in home.rglob("mlflow.db"))


def test_a_driver_that_is_killed_while_it_makes_the_database_can_start_again(tmp_path, monkeypatch):
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "cache"))  # Without tables that were kept.
    home = tmp_path / "home"
    process = subprocess.Popen([sys.executable, "-c", MAKE, str(home)])
    while not half_made(home):
        assert process.poll() is None, "it was made before it could be struck"
        time.sleep(0.001)
    process.kill()
    process.wait(60)
    assert not (home / "mlflow.db").exists()
    assert list(home.glob(".mlflow.db.*"))
    assert prepare(home, "pan", "pan").experiment_id == "1"
    assert not list(home.glob(".mlflow.db.*"))


def test_a_database_that_is_there_stays_as_it_is(tmp_path):
    file = tmp_path / "mlflow.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE mine (number)")
    before = file.read_bytes()
    create_database(file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


@pytest.mark.parametrize("target", ["mlflow.db", "/nowhere/mlflow.db"], ids=["itself", "nowhere"])
def test_a_link_that_leads_nowhere_is_refused_at_once(tmp_path, target):
    (tmp_path / "mlflow.db").symlink_to(target)
    began = time.monotonic()
    with pytest.raises(UserError, match=r"mlflow\.db: a link that leads nowhere"):
        prepare(tmp_path, "pan", "pan")
    assert time.monotonic() < began + 30
    assert [path.name for path in tmp_path.glob("*mlflow.db*")] == ["mlflow.db"]
