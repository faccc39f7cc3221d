"""Disks that are full: a small one of memory, or a limit to the size of files where none can be mounted."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """Let this process write no file beyond so many bytes: what lies below is written, then EFBIG is raised.

    Python ignores the signal that comes with it.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[bool]:
    """A disk of memory in a folder, if this machine lets us: whether it does."""
    folder.mkdir(parents=True, exist_ok=True)
    line = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    there = shutil.which("mount") is not None and (
        subprocess.run(line, capture_output=True, check=False).returncode == 0
    )
    try:
        yield there
    finally:
        if there:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)


def fill(file: Path) -> None:
    """Take what room the disk of a file has left."""
    with file.open("ab", buffering=0) as filler:
        for block in (2**20, 2**12, 1):
            with suppress(OSError):
                while filler.write(bytes(block)):
                    pass
