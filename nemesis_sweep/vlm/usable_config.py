"""What a package raises for a model's configuration that somebody wrote, as one clear line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.reason import reason


@contextmanager
def usable(config: Path | None, message: str) -> Iterator[None]:
    """Work with a configuration: what is raised in it is the file's, and is told as a ``UserError``; but a
    package that is missing or too old, and too little memory, are the machine's.

    config: None for one that comes with a package; its errors are left alone. message: what is wrong.
    """
    try:
        yield
    except (UserError, ImportError, MemoryError):
        raise
    except Exception as error:
        if config is None:
            raise
        raise UserError(Problem(message, file=str(config), found=reason(error))) from error
