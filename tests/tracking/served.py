"""`mlflow models serve` as a person starts it, on a port that is free."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SERVE = ("mlflow", "models", "serve", "--model-uri", "served", "--env-manager", "local", "--port", "5001")


@contextmanager
def served(folder: Path, command: Sequence[str] = SERVE) -> Iterator[str]:
    """The address at which the model in a folder answers. command: as for the folder `served`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = [{"served": str(folder), "5001": port}.get(word, word) for word in command]
    beside = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    # A session of its own: mlflow starts uvicorn, and does not end it.
    process = subprocess.Popen(words, env=os.environ | beside, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < deadline and not _answers(url):
            time.sleep(0.5)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ping", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
