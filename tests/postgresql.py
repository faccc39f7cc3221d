"""A real PostgreSQL on this machine, with a folder, a port and a password of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ray_cluster import free_port

NEEDED = ("initdb", "postgres")
USER, PASSWORD, DATABASE = "me", "s3:cr@t", "postgres"
"""As they are; in an address the password is %-encoded."""


class Server:
    """A server that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.start()

    def url(self, password: str = "s3%3Acr%40t", database: str = DATABASE) -> str:
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        # Without fsync, for speed.
        line = ["postgres", "-F", "-D", str(self.folder), "-p", str(self.port), "-h", "127.0.0.1"]
        with (self.folder.parent / "log").open("a") as log:
            self.process = subprocess.Popen(
                [*line, "-k", str(self.folder.parent)], stdout=log, stderr=log, **_as_somebody()
            )
        while not self._answers():
            assert self.process.poll() is None, (self.folder.parent / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # "fast": connections are ended
        self.process.wait(30)

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url()).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgresql() -> Iterator[Server]:
    """Start a server, and end it afterwards; skips the test where there is none to start."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"PostgreSQL's {' and '.join(missing)} are not on the path")
    # Not below pytest's own folder, where nobody else may look.
    folder = Path(tempfile.mkdtemp(prefix="nspg-", dir="/tmp"))
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if _as_somebody():
            for path in (folder, secret):
                shutil.chown(path, "nobody")
        line = ["initdb", "--no-sync", "-D", str(folder / "data"), "-U", USER, "-A", "scram-sha-256"]
        made = subprocess.run(
            [*line, f"--pwfile={secret}"], capture_output=True, text=True, check=False, **_as_somebody()
        )
        assert made.returncode == 0, made.stderr
        server = Server(folder / "data")
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_somebody() -> dict[str, str]:
    """PostgreSQL refuses to run as root."""
    return {} if os.getuid() else {"user": "nobody", "cwd": "/tmp"}
