"""The `tracking` section: where MLflow keeps what people look at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from nemesis_sweep.messages.errors import nearest
from nemesis_sweep.spec.fields import Section, Text

DATABRICKS = "databricks"
SERVERS = ("http", "https", DATABRICKS)
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
REGISTRIES = ("databricks-uc", "uc")
"""MLflow keeps models there, and no runs."""
ALLOWED = (
    "a URI such as http://host:5000, databricks, sqlite:////absolute/mlflow.db or postgresql://user@host/name"
)

_PASSWORD_CUT = re.compile(r"https?://[^/:@?#]*:(?!\d+[/?#])[^@]*[/?#].*@", re.IGNORECASE)
"""A password that ends the host of a web address too early, so that its beginning would be a port."""


def scheme_of(uri: str) -> str:
    """What kind of store a tracking URI names, as MLflow takes it: `sqlite`, `https`, `databricks`, ...

    A database's driver is left out; '' is a path.
    """
    scheme, mark, _ = uri.partition(":")
    if not mark:
        return uri if uri in (DATABRICKS, *REGISTRIES) else ""
    # One letter is the drive of a path.
    return "" if len(scheme) < 2 else scheme.lower().partition("+")[0]


def check_uri(text: str) -> str:
    """Refuse what MLflow cannot keep runs in."""
    scheme = scheme_of(text)
    _refuse_folders(text, scheme)
    if scheme in REGISTRIES:
        raise _refused("MLflow's name for a registry of models; it keeps no runs", "databricks")
    if scheme not in (*SERVERS, *DATABASES) and scheme not in _plugins():
        raise _refused("not a tracking URI", ALLOWED, nearest(scheme, (*SERVERS, *DATABASES)))
    if _PASSWORD_CUT.match(text):
        raise _refused(
            "the password holds a sign that ends it",
            "%2F for /, %3F for ?, %23 for #; or the address alone, with MLFLOW_TRACKING_USERNAME and"
            " MLFLOW_TRACKING_PASSWORD in the environment",
        )
    return text


def _refuse_folders(text: str, scheme: str) -> None:
    # MLflow's folder store is refused by current versions.
    if scheme in ("", "file"):
        raise _refused("a folder cannot hold MLflow runs", ALLOWED)
    if scheme == "sqlite":
        file = text.partition(":")[2].lstrip("/").partition("?")[0]
        if file in ("", ":memory:"):
            raise _refused(
                "a database in memory is gone when the sweep ends", "sqlite:////absolute/mlflow.db"
            )


def _refused(message: str, allowed: str, near: str = "") -> PydanticCustomError:
    context = {"message": message, "allowed": allowed, "nearest": near}
    return PydanticCustomError("unknown_name", "{message}", context)


def _plugins() -> Iterable[str]:
    """Schemes that packages add to MLflow."""
    return [found.name for found in entry_points(group="mlflow.tracking_store")]


class Tracking(Section):
    """mlflow: URI of the tracking server, by default SQLite in the sweep's home.
    experiment: name of the MLflow experiment, by default the name of the sweep.
    """

    mlflow: Annotated[Text, AfterValidator(check_uri)] | None = None
    experiment: Text | None = None
