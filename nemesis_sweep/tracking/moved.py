"""A home that was moved or copied: its MLflow database still names artifacts at the old place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.tracking.location import SET_ASIDE, artifacts, database


def follow(home: Path) -> bool:
    """Point a moved home's database at the artifacts that moved with it; True if there was anything to do.

    MLflow stores absolute artifact addresses. Only addresses below an old `.../mlartifacts` are changed,
    and only in the home's own database, in one transaction. Raises UserError if that is no usable database.
    """
    file = database(home)
    if not file.is_file():
        return False
    try:
        with closing(sqlite3.connect(file, timeout=20)) as connection, connection:
            return _rewrite(connection, artifacts(home).as_uri())
    except sqlite3.Error as error:
        allowed = SET_ASIDE if type(error) is sqlite3.DatabaseError else ""
        problem = Problem(f"MLflow's database cannot be used ({error})", file=str(file), allowed=allowed)
        raise UserError(problem) from error


def _rewrite(connection: sqlite3.Connection, here: str) -> bool:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"experiments", "runs"} <= tables:
        return False
    folder = here.rpartition("/")[2]
    places = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
    moved = [place for (place,) in places if place and place.endswith(f"/{folder}") and place != here]
    for old in moved:
        connection.execute(
            "UPDATE runs SET artifact_uri = :here || substr(artifact_uri, :n)"
            " WHERE substr(artifact_uri, 1, :n) = :old || '/'",
            {"here": here, "old": old, "n": len(old) + 1},
        )
        connection.execute(
            "UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?", (here, old)
        )
    return bool(moved)
