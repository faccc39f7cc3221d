"""A small Ray cluster of our own on this machine, watched for as long as it is used."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nemesis_sweep.spec.errors import UserError
from nemesis_sweep.sweep.cluster.environment import close_to_others
from nemesis_sweep.sweep.cluster.lost import LostClusterError, last_resort
from nemesis_sweep.sweep.cluster.out_of_reach import SERVERS, end_watchers, out_of_reach
from nemesis_sweep.sweep.cluster.private_folder import private_folder
from nemesis_sweep.sweep.cluster.processes import Process, below, end_all, mentioning
from nemesis_sweep.sweep.cluster.search_path import workers_path
from nemesis_sweep.sweep.cluster.watch import Watch

OBJECT_STORE_BYTES = 100 * 1024 * 1024
"""Enough: features go through memory-mapped files, not through Ray's object store."""

MARK = "NEMESIS_SWEEP_CLUSTER"
"""Variable that all of a cluster's processes inherit: its private folder, so that they are known by it."""

SHUTDOWN = 30.0
"""Seconds that Ray has for its own end; then what is left of it is killed."""


class OwnCluster:
    """The processes of a cluster of our own: Ray's servers are children of this process, workers below."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._before = set(below(os.getpid()))
        self._servers: set[Process] = set()
        self._others: set[Process] = set()

    def look(self) -> LostClusterError | None:
        """What is wrong with it; None as long as its servers live, or have not begun."""
        for process, parent in below(os.getpid()).items():
            if process in self._before:
                continue
            if parent == os.getpid() and process.name in SERVERS and process.lives:
                self._servers.add(process)
            else:
                self._others.add(process)
        gone = [server for server in self._servers if not server.lives]
        if gone:
            return LostClusterError("one of Ray's servers has ended unexpectedly")
        return None

    def end(self) -> None:
        """kill -9 whatever is left of it."""
        end_all({*self._servers, *self._others, *mentioning(str(self.folder))} - self._before)

    def last_resort(self, lost: LostClusterError) -> None:
        self.end()
        last_resort(lost)


@contextmanager
def own_cluster(logical_gpus: int | None) -> Iterator[None]:
    """Start a cluster on this machine, and end it.

    Raises ``UserError`` where Ray has no place to work in, and ``LostClusterError`` when it does not come up,
    or is lost while it is used.
    """
    with private_folder() as folder:
        close_to_others()
        os.environ[MARK] = str(folder)
        cluster = OwnCluster(folder)
        watch = Watch(cluster.look, cluster.last_resort)
        started: list[int] = []
        try:
            with watch:
                started = _start(folder, logical_gpus)
                yield
        finally:
            if watch.lost is None:
                _shut_down(cluster, started)
            else:
                _forget()
            cluster.end()


def _start(folder: Path, logical_gpus: int | None) -> list[int]:
    """Start Ray's processes, and give them.

    In a folder that holds nothing: Ray puts the current one on the path of its workers.
    """
    import ray
    from ray._private import worker

    # The log of a raylet that has died goes to the screen otherwise.
    worker.print_to_stdstream = lambda *args, **kwargs: None
    empty = folder / "empty"
    empty.mkdir()
    with suppress(FileNotFoundError):
        os.environ["PYTHONPATH"] = workers_path(os.environ.get("PYTHONPATH", ""), Path.cwd())
    with out_of_reach() as started, sigterm_kept(), standing_in(empty):
        try:
            ray.init(
                address="local",
                num_gpus=logical_gpus,
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="error",
                _temp_dir=str(folder / "r"),
            )
        except UserError:
            raise
        except Exception as error:
            reason = str(error).strip().splitlines()
            raise LostClusterError(f"Ray did not start ({reason[0] if reason else error!r})") from error
    return started


def _shut_down(cluster: OwnCluster, started: list[int]) -> None:
    import ray

    killer = threading.Timer(SHUTDOWN, cluster.end)
    killer.daemon = True
    killer.start()
    try:
        end_watchers(started)
        ray.shutdown()
    finally:
        killer.cancel()


def _forget() -> None:
    """Leave a cluster that is gone as it is: Ray would wait for answers when this process ends, too."""
    import atexit

    import ray

    atexit.unregister(ray.shutdown)


@contextmanager
def sigterm_kept() -> Iterator[None]:
    """Give SIGTERM back to whoever had it: Ray takes it while it starts, answers it with ``SystemExit``, and
    would keep it."""
    here = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    except SystemExit as error:
        raise KeyboardInterrupt from error
    finally:
        if here:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    """Work in a folder that lasts: a job's may vanish, for Ray unpacks it anew where nodes share a disk."""
    before = folder
    with suppress(FileNotFoundError):
        before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
