"""A home's own MLflow database that no longer knows the sweep."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from nemesis_sweep.tracking.location import OWN_URI, database
from nemesis_sweep.tracking.store import recorded


def records_are_lost(home: Path) -> bool:
    """Whether the home was recorded in its own database, and that is gone, empty, or without its run.

    A file that is no database is not looked into: it is refused, for there may be something left of it.
    """
    record = recorded(home) or {}
    if record.get("uri") != OWN_URI or "parent_run_id" not in record:
        return False
    file = database(home)
    if not file.exists() or not file.stat().st_size:
        return True
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)) as connection:
            query = "SELECT 1 FROM runs WHERE run_uuid = ?"
            return connection.execute(query, (record["parent_run_id"],)).fetchone() is None
    except sqlite3.OperationalError as error:
        return "no such table" in str(error)
    except sqlite3.Error:
        return False
