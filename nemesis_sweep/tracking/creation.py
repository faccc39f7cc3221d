"""MLflow's SQLite database, created whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import nemesis_sweep.tracking.client  # noqa: F401  (it keeps MLflow quiet)
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.tracking.kept_tables import copy_tables, keep_tables
from nemesis_sweep.tracking.location import artifact_location


def create_database(file: Path) -> None:
    """Create the database if it is missing; if another process is faster, its database stays.

    MLflow makes the tables in place, one migration after the other, and cannot go on with a database whose
    creator died on the way: every later run of the sweep would fail.
    Raises ``UserError`` for a link that leads nowhere.
    """
    if file.exists():
        return
    with tempfile.TemporaryDirectory(prefix=_prefix(file), dir=file.parent) as folder:
        made = Path(folder) / file.name
        _create(made, str(artifact_location(f"sqlite:///{file}")))
        try:
            os.link(made, file)  # Unlike a rename it never replaces anything.
        except FileExistsError as error:
            if not file.exists():  # SQLite could not open it, and MLflow would try that for minutes.
                allowed = "a link to a file that is there, or none"
                problem = Problem("a link that leads nowhere", file=str(file), allowed=allowed)
                raise UserError(problem) from error
        except OSError:  # A file system without hard links.
            made.replace(file)


def clear_half_made(file: Path) -> None:
    """Remove what a process that was killed left of its way to this database; for who is alone with it."""
    for folder in file.parent.glob(f"{_prefix(file)}*/"):
        shutil.rmtree(folder, ignore_errors=True)


def _prefix(file: Path) -> str:
    return f".{file.name}."


def _create(file: Path, artifacts: str) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    copied = copy_tables(file)
    SqlAlchemyStore(f"sqlite:///{file}", artifacts).engine.dispose()
    if not copied:
        keep_tables(file)
