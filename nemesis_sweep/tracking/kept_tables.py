"""MLflow's empty tables, kept in the feature cache: to make them takes seconds, to copy them none."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from nemesis_sweep.data.folder import default_root
from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.messages.errors import UserError

DIGITS = 8


def copy_tables(file: Path) -> bool:
    """Make an SQLite file with the tables that were kept; False, and no file, where there are none."""
    try:
        shutil.copyfile(_kept(), file)
        with closing(sqlite3.connect(file)) as connection:
            whole = connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            whole = whole and connection.execute("SELECT 1 FROM alembic_version").fetchone() is not None
    except (OSError, UserError, sqlite3.Error):
        whole = False
    if not whole:
        file.unlink(missing_ok=True)
    return whole


def keep_tables(file: Path) -> None:
    """Keep the tables of a database that was just made, for the next; a cache that is read-only stays so.

    The default experiment, which says where the artifacts of that one are, is left out: MLflow makes it anew.
    """
    with suppress(OSError, UserError, sqlite3.Error):
        place = _kept()
        place.parent.mkdir(parents=True, exist_ok=True)
        with (
            replacing(place) as partial,
            closing(sqlite3.connect(file)) as made,
            closing(sqlite3.connect(partial)) as copy,
        ):
            made.backup(copy)
            copy.execute("DELETE FROM experiments")
            copy.commit()


def _kept() -> Path:
    """Where the tables of the MLflow that is installed are: by its version and its list of migrations."""
    from mlflow.store import db_migrations

    scripts = sorted(path.name for path in Path(str(db_migrations.__file__)).parent.glob("versions/*.py"))
    digest = sha256("\n".join(scripts).encode()).hexdigest()[:DIGITS]
    return default_root() / f"mlflow-{version('mlflow')}-{digest}.db"
