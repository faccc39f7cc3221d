"""A database whose tables are those of another version of MLflow."""

from __future__ import annotations

from importlib.metadata import version

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.tracking.location import KEY

WORDS = ("out-of-date database schema", "Can't locate revision")
"""How MLflow says that the tables are not those of its own version, be they older or newer."""


def is_of_another_version(text: str) -> bool:
    """Whether MLflow says so in an error or a log."""
    return any(words in text for words in WORDS)


def another_version(uri: str) -> UserError:
    """What to do about a database of another version of MLflow."""
    here = version("mlflow")
    allowed = (
        f"tables of MLflow {here}: for older ones keep a copy, then `mlflow db upgrade {masked(uri)}`; for"
        " newer ones install their version. A sweep's own mlflow.db may also get another name: the next run"
        " makes a new one and logs all trials again"
    )
    return UserError(
        Problem(f"the database {masked(uri)} is of another version of MLflow", key=KEY, allowed=allowed)
    )
