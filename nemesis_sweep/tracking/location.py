"""Where a sweep is recorded: its tracking URI made absolute, and asked quickly whether it answers."""

from __future__ import annotations

import http.client
import os
import socket
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

from nemesis_sweep.spec.current_folder import from_here
from nemesis_sweep.spec.errors import Problem, UserError

SECONDS = 5.0
KEY = "tracking.mlflow"
DATABASE_PORTS = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mssql": 1433}


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
    folder. Raises UserError for a folder (`./mlruns`): MLflow keeps runs in databases or on servers.
    """
    if uri is None:
        return f"sqlite:///{database(home)}"
    parts = urlsplit(uri)
    if not parts.scheme or parts.scheme == "file":
        raise UserError(
            Problem(
                "a folder cannot hold MLflow runs",
                key=KEY,
                found=repr(uri),
                allowed="sqlite:///FILE, a database URI, or the http(s) address of an MLflow server",
            )
        )
    if parts.scheme != "sqlite":
        return uri
    path, mark, options = uri.removeprefix("sqlite:").lstrip("/").partition("?")
    if not path or path == ":memory:":
        raise UserError(
            Problem("a database in memory cannot be shared with workers", key=KEY, found=repr(uri))
        )
    return f"sqlite:///{from_here(sqlite_file(uri)).absolute()}{mark}{options}"


def without_password(uri: str) -> str:
    """Return the URI with a password replaced by `***`, fit to be printed or written down."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    place = parts.hostname or ""
    if parts.port is not None:
        place = f"{place}:{parts.port}"
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{place}"))


def check_answers(uri: str) -> None:
    """Raise UserError within seconds if nothing usable answers at `uri`; MLflow would retry for minutes."""
    parts = urlsplit(uri)
    try:
        if parts.scheme == "sqlite":
            _open_sqlite(sqlite_file(uri))
        elif parts.scheme in ("http", "https"):
            _ask_server(uri)
        elif (family := parts.scheme.split("+")[0]) in DATABASE_PORTS:
            _connect(parts, DATABASE_PORTS[family])
    except (OSError, sqlite3.Error, http.client.HTTPException, ValueError) as error:
        # urllib wraps the reason, which is the readable part.
        reason = getattr(error, "reason", None) or error
        raise UserError(
            Problem(f"MLflow cannot be reached at {without_password(uri)} ({reason})", key=KEY)
        ) from error


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


def _ask_server(uri: str) -> None:
    address = f"{uri.rstrip('/')}/health"
    try:
        urllib.request.urlopen(_request(address), timeout=SECONDS).close()
    except urllib.error.HTTPError as error:
        # Behind a gateway /health may be refused while the API works: only a failing server is turned away.
        if error.code >= 500:
            raise


def _request(address: str) -> urllib.request.Request:
    """Return the request without the user and password of the URI, which urllib would take for a host."""
    parts = urlsplit(address)
    return urllib.request.Request(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))


def _connect(parts: SplitResult, port: int) -> None:
    if parts.hostname:
        socket.create_connection((parts.hostname, parts.port or port), timeout=SECONDS).close()
