"""Where a sweep is recorded: its tracking URI made absolute, and a database tried before MLflow does."""

from __future__ import annotations

import os
import socket
import sqlite3
from pathlib import Path

from pydantic_core import PydanticCustomError

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.passwords import MASK, is_masked, masked
from nemesis_sweep.spec.tracking import DATABASES, check_uri, scheme_of
from nemesis_sweep.tracking.reasons import reason

SECONDS = 5.0
KEY = "tracking.mlflow"
DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


# How a home's own database is written down: relative, so that the home can be moved.
OWN_URI = "sqlite:///mlflow.db"


def database(home: Path) -> Path:
    """Return the SQLite file of a sweep that names no tracking URI."""
    return home / "mlflow.db"


def artifacts(home: Path) -> Path:
    """Return the folder of the artifacts of a sweep that names no tracking URI."""
    return home / "mlartifacts"


def artifact_location(uri: str) -> str | None:
    """Return where artifacts go, as a URI: beside an SQLite file; None leaves it to the server."""
    return artifacts(sqlite_file(uri).parent).as_uri() if uri.startswith("sqlite:") else None


def absolute_uri(home: Path, uri: str | None) -> str:
    """Return the URI that workers can use whatever folder they run in.

    Without a URI it is the database in the sweep's home; relative SQLite files are taken from the current
    folder. What the sweep file's check refuses is refused here too.
    """
    if uri is None:
        return f"sqlite:///{database(home)}"
    try:
        check_uri(uri)
    except PydanticCustomError as error:
        context = error.context or {}
        raise UserError(
            Problem(context["message"], key=KEY, found=repr(uri), allowed=context["allowed"])
        ) from None
    if is_masked(uri):
        allowed = f"the password in place of {MASK}; or none, with MLflow's variables or ~/.pgpass"
        raise UserError(Problem("the address is without its password", key=KEY, found=uri, allowed=allowed))
    if scheme_of(uri) != "sqlite":
        return uri
    _, mark, options = uri.partition("?")
    return f"sqlite:///{sqlite_file(uri).absolute()}{mark}{options}"


def is_server(uri: str) -> bool:
    """Whether a server keeps the records, which is reached over the network."""
    return scheme_of(uri) not in DATABASES


SET_ASIDE = (
    "the file as it was, from a backup; or another name for the damaged one: the sweep's next run makes a new"
    " database, and logs all trials again"
)
"""What to do about a file that is no database any more."""


def check_answers(uri: str) -> None:
    """Raise UserError within seconds for a database that cannot be used; MLflow would retry for minutes.

    What is no database is asked by MLflow's own client alone: it knows proxies, certificates and tokens.
    """
    scheme = scheme_of(uri)
    try:
        if scheme == "sqlite":
            _open_sqlite(sqlite_file(uri))
        elif scheme in DATABASES:
            _connect(uri)
    except UserError:
        raise
    except Exception as error:
        # Its subclasses are of locks, and of what may not be read or written: no damage.
        allowed = SET_ASIDE if type(error) is sqlite3.DatabaseError else ""
        message = f"MLflow's database {masked(uri)} cannot be used ({reason(error)})"
        raise UserError(Problem(message, key=KEY, allowed=allowed)) from error


def sqlite_file(uri: str) -> Path:
    """Return the file of an absolute SQLite URI."""
    return Path(uri.removeprefix("sqlite:///").split("?")[0])


def _open_sqlite(path: Path) -> None:
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise PermissionError("the file or its folder cannot be written")
    if not path.exists():  # To open it would leave an empty file.
        return
    connection = sqlite3.connect(path, timeout=SECONDS)
    try:
        connection.execute("PRAGMA schema_version")
    finally:
        connection.close()


def _connect(uri: str) -> None:
    """Connect once: a server that is silent, a wrong password and a driver that is missing are told apart."""
    from sqlalchemy import create_engine, make_url

    url = make_url(uri)  # It takes a password that holds `/` or `#` as the driver does.
    if url.host and (port := url.port or DATABASE_PORTS.get(scheme_of(uri))):
        socket.create_connection((url.host, port), timeout=SECONDS).close()
    engine = create_engine(url)
    try:
        engine.connect().close()
    finally:
        engine.dispose()
