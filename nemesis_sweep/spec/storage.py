"""Address of the database that holds the trials, as Optuna takes it."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

from nemesis_sweep.messages.errors import nearest

DATABASES = ("sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql", "cockroachdb")
ALLOWED = "a database, such as sqlite:////absolute/trials.db or postgresql://user@host/name"


def check_storage(text: str) -> str:
    """Refuse what is not the address of a database: the journal in the home needs none."""
    scheme, mark, rest = text.partition("://")
    kind = scheme.partition("+")[0]
    if not mark or kind not in DATABASES:
        near = nearest(kind, DATABASES) if mark else ""
        context = {"message": "not a storage that a sweep can have", "allowed": ALLOWED, "nearest": near}
        raise PydanticCustomError("unknown_name", "{message}", context)
    if kind == "sqlite" and (
        not rest.startswith("/") or rest.strip("/").partition("?")[0] in ("", ":memory:")
    ):
        raise PydanticCustomError("storage", "not a file", {"allowed": "sqlite:////absolute/trials.db"})
    return text
