"""The MLflow UI of a database, as a child process that never outlives us."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.tracking import keeper
from nemesis_sweep.tracking.client import QUIET
from nemesis_sweep.tracking.location import artifacts
from nemesis_sweep.tracking.versions import another_version, is_of_another_version

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANY = ("0.0.0.0", "::", "")
START_SECONDS = 120.0
STOP_SECONDS = 5.0
PORTS_TRIED = 200
BLOCKED = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080}
)
"""Ports from 1024 on at which no browser opens a page: the "bad ports" of the Fetch standard."""
READ = ("MLFLOW_", "_MLFLOW_", "UVICORN_", "GUNICORN_", "FLASK_", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS")
"""How the variables begin that `mlflow server`, uvicorn, gunicorn and Flask read."""


class UiServer:
    """`mlflow server` for an SQLite file. Entering this context waits until it answers, leaving ends it.

    Raises UserError on entering if the port is taken (naming the next free one), the address cannot be
    used, or the server ends before it answers.
    """

    def __init__(self, database: Path, host: str = "127.0.0.1", port: int = 5000) -> None:
        """Name the database (artifacts are beside it) and where to listen; nothing starts yet."""
        self.database = database.absolute()
        self.host = host
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._files = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """The address to open in a browser on this machine."""
        host = "127.0.0.1" if self.host in ANY else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def __enter__(self) -> UiServer:
        """Start the server and return once it answers; it takes about 10 seconds."""
        check_port(self.host, self.port)
        # A file without a name: nothing to clean up, and no full pipe can stop the server.
        self._log = self._files.enter_context(tempfile.TemporaryFile())
        self._process = subprocess.Popen(
            [sys.executable, keeper.__file__, *_command(self.database, self.host, self.port)],
            cwd=self.database.parent,
            env=environment(os.environ),
            # Nothing is ever written: it is closed when we are gone, however we ended.
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # A group of its own: Ctrl-C reaches only us, and the whole group can be ended together.
            start_new_session=True,
        )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the server and everything it started."""
        self.stop()

    def wait(self) -> int:
        """Wait until the server ends by itself and return its exit code."""
        return self._process.wait() if self._process else 0

    def stop(self) -> None:
        """End the server's whole process group: asked first, killed after 5 seconds."""
        process, self._process = self._process, None
        if process is None:
            return
        group = process.pid
        for how in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + STOP_SECONDS
            alive = _signal_group(group, how)
            while alive and time.monotonic() < deadline:
                process.poll()  # reaps the leader; its children are reaped by whoever inherits them
                time.sleep(0.05)
                alive = _signal_group(group, 0)
            if not alive:
                break
        process.poll()
        self._files.close()

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is not None or not _answers(self.url):
            if self._process.returncode is not None:
                if is_of_another_version(self._last_lines(100)):
                    raise another_version(f"sqlite:///{self.database}")
                raise UserError(f"the MLflow server ended before it answered:\n{self._last_lines()}")
            if time.monotonic() > deadline:
                raise UserError(
                    f"the MLflow server did not answer within {START_SECONDS:.0f} s:\n{self._last_lines()}"
                )
            time.sleep(0.2)

    def _last_lines(self, count: int = 8) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-count:])


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Our environment without what an MLflow server reads from it: that is set up for somebody's own server.

    `mlflow server` takes most of its options from there, and so do those that serve for it.
    """
    kept = {name: value for name, value in ours.items() if not name.startswith(READ)}
    # The folder of a sweep is no place to import from.
    return {**kept, **QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONSAFEPATH": "1"}


def check_port(host: str, port: int) -> None:
    """Raise UserError if the server could not listen there, and for a port at which no browser opens a page.

    For a taken port it names the next free one.
    """
    if port in BLOCKED:
        told = "browsers open no page on this port"
        allowed = f"another one, such as {next_free_port(host, port) or 5000}"
        raise UserError(Problem(told, key="--port", found=str(port), allowed=allowed))
    try:
        _bind(host, port)
    except socket.gaierror as error:
        raise UserError(
            Problem(f"no such host ({error.strerror})", key="--host", found=repr(host))
        ) from error
    except PermissionError as error:
        problem = Problem("only root may listen on ports below 1024", key="--port", found=str(port))
        raise UserError(problem) from error
    except OSError as error:
        if not _is_local(host):
            raise UserError(
                Problem("this machine does not have this address", key="--host", found=repr(host))
            ) from error
        free = next_free_port(host, port)
        advice = f"; port {free} is free: add `--port {free}`" if free else ""
        raise UserError(Problem(f"port {port} is in use{advice}", key="--port")) from error


def next_free_port(host: str, port: int) -> int | None:
    """Return the first port after `port` that can be listened on, or None if 200 in a row are not."""
    for candidate in range(port + 1, min(port + PORTS_TRIED, 65535) + 1):
        if candidate in BLOCKED:
            continue
        try:
            _bind(host, candidate)
        except OSError:
            continue
        return candidate
    return None


def _bind(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the server does, so that a port just left by another one counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _is_local(host: str) -> bool:
    try:
        _bind(host, 0)
    except OSError:
        return False
    return True


def _command(database: Path, host: str, port: int) -> list[str]:
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{database}"]
    command += ["--artifacts-destination", str(artifacts(database.parent))]
    # One worker is plenty for one reader and takes a quarter of the default's memory.
    command += ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    if host not in LOOPBACK:
        names = _names_of_this_machine(host)
        hosts = [*names, *(f"{name}:{port}" for name in names)]
        command += ["--allowed-hosts", ",".join(hosts)]
        command += ["--cors-allowed-origins", ",".join(f"http://{name}:{port}" for name in names)]
    return command


def _names_of_this_machine(host: str) -> list[str]:
    """Return the names and addresses under which a browser may ask; MLflow answers 403 to all others."""
    names = {"localhost", "127.0.0.1", socket.gethostname(), socket.getfqdn()}
    if host not in ANY:
        names.add(host)
    with contextlib.suppress(socket.gaierror):
        names.update(str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None))
    return sorted(f"[{name}]" if ":" in name else name for name in names)


def _answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group (0 only asks); False if nobody is left in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
