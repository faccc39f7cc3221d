"""MLflow's tables, made once and copied from then on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.store.db import utils

from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.creation import create_database


def tables(file: Path) -> dict[str, object]:
    with closing(sqlite3.connect(file)) as connection:
        made = sorted(connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall(), key=str)
        names = [name for kind, name, _ in made if kind == "table" and name != "experiments"]
        rows = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
    return {"made": made, **rows}


@pytest.fixture(name="cache")
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_second_database_is_as_the_first_and_nothing_is_made_again(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first" / "mlflow.db", tmp_path / "second" / "mlflow.db"
    for file in (first, second):
        file.parent.mkdir()
    create_database(first)
    monkeypatch.setattr(utils, "_initialize_tables", lambda engine: pytest.fail("the tables are made again"))
    create_database(second)
    assert tables(second) == tables(first)
    for file in (first, second):
        place = connect(f"sqlite:///{file}").get_experiment("0").artifact_location
        assert place == f"file://{file.parent}/mlartifacts/0"


def test_tables_that_were_damaged_are_made_again(tmp_path: Path, cache: Path) -> None:
    create_database(tmp_path / "first.db")
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:100_000])
    create_database(tmp_path / "second.db")
    # MLflow names the columns of a key in no fixed order.
    assert tables(tmp_path / "second.db").keys() == tables(tmp_path / "first.db").keys()
    create_database(tmp_path / "third.db")
    assert tables(tmp_path / "third.db") == tables(tmp_path / "second.db")
