"""The prompt, or the reference, that a run in MLflow keeps, fetched into a folder."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.location import check_answers, database
from nemesis_sweep.tracking.reasons import reason

ID = re.compile(r"(?:runs:/)?([0-9a-f]{32})(?:/[^/]*)?")
"""A run's id, or the address of what it keeps."""
KEPT = ("prompt", "reference")
VARIABLE = "MLFLOW_TRACKING_URI"


def run_id(text: str) -> str:
    """The id in a text that names a run, else ''."""
    found = ID.fullmatch(text)
    return found[1] if found else ""


def fetch_learnt(run: str, homes: Iterable[Path], to: Path) -> Path:
    """Fetch what a run learnt, by its id, and return its folder below ``to``.

    The run is looked for where $MLFLOW_TRACKING_URI says, else in the databases of some homes.
    Raises ``UserError`` where it is not found, or keeps neither a prompt nor a reference.
    """
    uri = os.environ.get(VARIABLE) or _database_with(run, homes)
    if not uri:
        allowed = f"a run of a sweep below ./sweeps, or of the server that ${VARIABLE} names"
        raise UserError(Problem("no such run in MLflow", key="PROMPT", found=run, allowed=allowed))
    check_answers(uri)
    try:
        client = connect(uri)
        names = {artifact.path for artifact in client.list_artifacts(run)}
        kept = next((name for name in KEPT if name in names), None)
        if kept is not None:
            return Path(client.download_artifacts(run, kept, str(to)))
    except Exception as error:
        message = f"the run cannot be read from MLflow at {masked(uri)} ({reason(error)})"
        raise UserError(Problem(message, key="PROMPT", found=run)) from error
    allowed = "the run of a trial that is complete and learnt something, which zero-shot does not"
    raise UserError(Problem("this run keeps no prompt", key="PROMPT", found=run, allowed=allowed))


def home_with(run: str, homes: Iterable[Path]) -> Path | None:
    """The home whose own database knows the run; None where none does."""
    for home in homes:
        file = database(home)
        if file.is_file():
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
                if connection.execute("SELECT 1 FROM runs WHERE run_uuid = ?", (run,)).fetchone():
                    return home
    return None


def _database_with(run: str, homes: Iterable[Path]) -> str:
    """The address of the database of a home that knows the run, '' where none does."""
    home = home_with(run, homes)
    return "" if home is None else f"sqlite:///{database(home).absolute()}"
