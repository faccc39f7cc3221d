"""A folder that is replaced whole, so that nobody reads a half-written one."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nemesis_sweep.files.full_disk import naming
from nemesis_sweep.files.own_folder import made_folder


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder to fill in the place of ``folder``, which it becomes once all is written.

    Of a link the folder that it leads to is replaced, not the link. Between two renames there is an instant
    without one; never a mixture of both. What could not be written whole is taken away, and so is what killed
    processes of this machine left. Raises ``UserError`` where no folder can be made there.
    """
    folder = Path(os.path.realpath(folder))
    made_folder(folder.parent)
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.*.tmp"):
        if not _is_alive(left.name.split(".")[-2]):
            shutil.rmtree(left, ignore_errors=True)
    partial = folder.with_name(f".{folder.name}.new.{os.getpid()}.tmp")
    former = folder.with_name(f".{folder.name}.former.{os.getpid()}.tmp")
    try:
        with naming(folder):
            shutil.rmtree(partial, ignore_errors=True)
            made_folder(partial)
            yield partial
            if folder.exists():
                folder.rename(former)
            partial.rename(folder)
    finally:
        if former.exists() and not folder.exists():
            former.rename(folder)
        for left in (partial, former):
            with suppress(OSError):
                shutil.rmtree(left, ignore_errors=True)


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # It is another's.
        pass
    return True
