"""Where a home's trials are: in its journal, or in the database that the sweep file names."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from optuna.storages import BaseStorage

from nemesis_sweep.files.current_folder import from_here
from nemesis_sweep.files.sealed import DamagedError, read_sealed, write_sealed
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.passwords import is_masked, masked
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.home.folder import Home, refused
from nemesis_sweep.sweep.storage.journal import Journal
from nemesis_sweep.sweep.storage.journal_file import copy_of, refuse_damaged

RECORD = "storage.json"
VARIABLE = "NEMESIS_SWEEP_STORAGE"
"""Environment variable with the address of a storage, for those who have the home and no sweep file, such as
`status`: the home does not keep its password. A sweep file may leave its own out (`***`) likewise."""

JOURNAL = "the journal in the home"


def has_trials(home: Home) -> bool:
    """Whether a sweep has begun in this home."""
    records = (home.journal, copy_of(home.journal), home.path / RECORD)
    return home.sweep_file.exists() and any(record.exists() for record in records)


def stored(home: Home) -> BaseStorage:
    """The storage of a sweep that has begun. Raises ``UserError`` when it cannot be opened."""
    record = _read(home)
    if record is None:
        _refuse_damaged(home)
        return Journal(home.journal)
    from nemesis_sweep.sweep.storage.database import open_database

    return open_database(_with_password(record["url"]), record["prefix"])


def open_storage(sweep: Sweep, home: Home) -> BaseStorage:
    """The storage of a sweep that begins or goes on in this home.

    In a database the home's studies have names of their own, by a random part that is kept in the home: two
    homes never mix, whatever they are called, and one that starts over leaves the former studies as they are.
    Raises ``UserError`` when the home's trials are elsewhere, or the storage cannot be opened.
    """
    record, url = _read(home), _absolute(sweep.search.storage)
    _refuse_another(home, record, url)
    if url is None:
        return Journal(home.journal)
    url = _with_password(url)
    from nemesis_sweep.sweep.storage.database import open_database

    prefix = record["prefix"] if record else f"{sweep.name}-{uuid.uuid4().hex[:8]}"
    storage = open_database(url, prefix)
    if record and not storage.get_all_studies() and (home.path / "trials").exists():
        message = f"the studies of this home ({prefix}/...) are no longer in {masked(url)}"
        raise refused(home, message, "the storage as it was, another --home, or --fresh to start over")
    # Before there are studies, so that none is ever without its home.
    write_sealed(home.path / RECORD, {"url": masked(url), "prefix": prefix})
    return storage


def _with_password(url: str) -> str:
    """The address of a storage as it is used. Raises ``UserError`` when its password is nowhere."""
    if not is_masked(url):
        return url
    given = os.environ.get(VARIABLE, "")
    if masked(given) != url:
        allowed = f"{url} with its password, or an address without one in the sweep file and ~/.pgpass"
        raise UserError(
            Problem(
                "the address is without its password", VARIABLE, found=given or "not set", allowed=allowed
            )
        )
    return given


def _refuse_damaged(home: Home) -> None:
    try:
        refuse_damaged(home.journal)
    except DamagedError as error:
        allowed = "`nemesis-sweep run` with the sweep file, which restores it from its copy where it can"
        raise UserError(
            Problem(f"the sweep's journal {error.reason}", str(home.journal), allowed=allowed)
        ) from error


def _refuse_another(home: Home, record: dict[str, str] | None, url: str | None) -> None:
    before = record["url"] if record else None
    if before is None and not home.journal.exists():
        return
    was, now = (masked(each) if each else JOURNAL for each in (before, url))
    if was != now:
        allowed = "the storage as it was, another --home, or --fresh to start over"
        change = [f"search.storage: {was} -> {now}"]
        raise refused(home, "the trials of this home are in another storage", allowed, change)


def _absolute(url: str | None) -> str | None:
    """The address with the file of SQLite made absolute: a run may be continued from another folder."""
    if url is None or not url.startswith("sqlite"):
        return url
    kind, _, rest = url.partition(":///")
    path, mark, options = rest.partition("?")
    return f"{kind}:///{from_here(Path(path)).absolute()}{mark}{options}"


def _read(home: Home) -> dict[str, str] | None:
    """Where the home's trials are, if in a database. Raises ``UserError`` when the record is damaged."""
    file = home.path / RECORD
    if not file.exists():
        return None
    try:
        record = read_sealed(file)
        if not all(isinstance(record.get(name), str) for name in ("url", "prefix")):
            raise DamagedError(file, "does not name a database")
    except DamagedError as error:
        message = f"the record of the home's storage {error.reason}"
        allowed = (
            """{"url": ADDRESS, "prefix": NAME}, where the studies in the database are called NAME/..."""
        )
        raise UserError(Problem(message, file=str(file), allowed=allowed)) from error
    return record
