"""A database whose tables are those of another version of MLflow.

MLflow itself would bring older ones to its version in place, without a word and without a copy.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from nemesis_sweep.files.full_disk import full_disk
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


def settle_version(file: Path, own: bool, say: Callable[[str], None]) -> None:
    """See to it that an SQLite database has the tables of the MLflow that is installed.

    An older one of a sweep's own (``own``) is copied, the copy is upgraded and takes its place, and the
    former file is kept beside it; ``say`` is told. Raises ``UserError`` for one that is newer, that is not
    the sweep's own, or that cannot be upgraded; it is left as it is.
    """
    revision = _revision(file)
    if not revision:
        return
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from mlflow.store import db_migrations

    config = Config()
    config.set_main_option("script_location", str(Path(str(db_migrations.__file__)).parent))
    scripts = ScriptDirectory.from_config(config)
    if revision == scripts.get_current_head():
        return
    if not own or revision not in {each.revision for each in scripts.walk_revisions()}:
        raise another_version(f"sqlite:///{file}")
    kept = _upgrade(file)
    say(f"{file} was made by an older MLflow; it is brought to {version('mlflow')}, and kept as {kept}")


def _upgrade(file: Path) -> Path:
    """Put an upgraded copy in the place of a database; where the former one is now."""
    kept = file.with_name(f"{file.name}.before-{version('mlflow')}")
    with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
        made = Path(folder) / file.name
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(made)) as copy:
            source.backup(copy)
        try:
            _migrate(f"sqlite:///{made}")
        except Exception as error:
            if full_disk(error):
                raise
            raise another_version(f"sqlite:///{file}") from error
        kept.unlink(missing_ok=True)
        try:
            os.link(file, kept)
        except OSError:  # A file system without hard links.
            shutil.copy2(file, kept)
        made.replace(file)
    return kept


def _migrate(uri: str) -> None:
    """What `mlflow db upgrade` does."""
    from mlflow.store.db.utils import _upgrade_db, create_sqlalchemy_engine_with_retry

    engine = create_sqlalchemy_engine_with_retry(uri)
    try:
        _upgrade_db(engine)
    finally:
        engine.dispose()


def _revision(file: Path) -> str:
    """The version of the tables; '' where there are none, or no database."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return ""
    return str(found[0]) if found else ""
