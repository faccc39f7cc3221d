"""A small Ray cluster of our own on this machine, watched for as long as it is used."""

import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cluster.environment import closed_to_others
from nemesis_sweep.sweep.cluster.gpus_here import gpus_here
from nemesis_sweep.sweep.cluster.lost import LostClusterError, last_resort
from nemesis_sweep.sweep.cluster.private_folder import private_folder
from nemesis_sweep.sweep.cluster.processes import ENDED, STOPPED, Process, below, end_all, mentioning
from nemesis_sweep.sweep.cluster.ray_logs import reason_in
from nemesis_sweep.sweep.cluster.search_path import workers_path
from nemesis_sweep.sweep.cluster.signal_shield import RAYLET, SERVERS, end_watchers, signal_shield
from nemesis_sweep.sweep.cluster.watch import Watch
from nemesis_sweep.sweep.internals.ray_names import check_ray, silence_dead_raylets

OBJECT_STORE_BYTES = 100 * 1024 * 1024
"""Enough: features go through memory-mapped files, not through Ray's object store."""

RAY = "r"
"""Name of Ray's own folder in the private one."""

SHUTDOWN = 30.0
"""Seconds that Ray has for its own end; then what is left of it is killed."""


RARELY = 2.0
"""Seconds between two looks at all processes; the servers are looked at more often."""

STOPPED_FOR = 20.0
"""Seconds for which a server may be stopped by a signal."""

FIRST_WORKER, SLOWEST = 45.0, 300.0
"""Seconds until the first worker is ready: for one that dies again and again, and for one that is slow."""

LIVES = 10.0
"""Seconds after which a worker that is not ready yet is slow, and not one of many that die."""


class OwnCluster:
    """The processes of a cluster of our own: Ray's servers are children of this process, workers below."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self._clock = clock
        self._before = set(below(os.getpid()))
        self._servers: dict[str, Process] = {}
        self._others: dict[Process, float] = {}
        self._workers: list[Process] = []
        self._looked = self._seen = -math.inf
        self._stopped = 0.0
        self._serves_since = math.inf
        self._a_worker_was_ready = False

    def look(self) -> LostClusterError | None:
        """What is wrong with it; None as long as its servers live, or have not begun."""
        now = self._clock()
        if len(self._servers) < len(SERVERS) or now - self._looked > RARELY:
            self._look_at_all(now)
        states = {name: server.state for name, server in self._servers.items()}
        for name, state in states.items():
            if state in ENDED:
                return LostClusterError(f"Ray's {name} has ended unexpectedly")
        # What passes while this process is stopped itself does not count.
        passed, self._seen = min(1.0, now - self._seen), now
        self._stopped = self._stopped + passed if STOPPED in states.values() else 0.0
        if self._stopped > STOPPED_FOR:
            return LostClusterError("one of Ray's servers is stopped by a signal")
        return self._without_workers(now)

    def workers(self) -> list[Process]:
        """Those that work for trials, or wait for work."""
        return self._workers

    def _look_at_all(self, now: float) -> None:
        self._looked = now
        family = {
            process: above for process, above in below(os.getpid()).items() if process not in self._before
        }
        for process, above in family.items():
            if above == os.getpid() and process.name in SERVERS and process.lives:
                self._servers.setdefault(process.name, process)
            self._others.setdefault(process, now)
        raylet = self._servers.get(RAYLET)
        if raylet is None:
            return
        self._serves_since = min(self._serves_since, now)
        self._workers = [
            process
            for process, above in family.items()
            if above == raylet.pid and process.title.startswith("ray::") and "Agent" not in process.title
        ]
        self._a_worker_was_ready |= bool(self._workers)

    def _without_workers(self, now: float) -> LostClusterError | None:
        """Whether no worker comes up, as where their Python lacks what they import."""
        waited = now - self._serves_since
        if self._a_worker_was_ready or waited < FIRST_WORKER:
            return None
        slow = any(now - began > LIVES for process, began in self._others.items() if _comes_up(process))
        if slow and waited < SLOWEST:
            return None
        return LostClusterError(f"no worker comes up; {reason_in(self.folder / RAY)}", final=True)

    def end(self) -> None:
        """kill -9 whatever is left of it."""
        end_all({*self._servers.values(), *self._others, *mentioning(str(self.folder))} - self._before)

    def last_resort(self, lost: LostClusterError) -> None:
        """Leave nothing behind, then do as :func:`nemesis_sweep.sweep.cluster.lost.last_resort`."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        last_resort(lost)


@contextmanager
def own_cluster(logical_gpus: int | None) -> Iterator[OwnCluster]:
    """Start a cluster on this machine, give what is known of its processes, and end it.

    Raises ``UserError`` where Ray has no place to work in, and ``LostClusterError`` when it does not come up,
    or is lost while it is used.
    """
    with private_folder() as folder, closed_to_others(mark=str(folder)):
        # Not before: Ray reads the environment while it is imported.
        check_ray()
        cluster = OwnCluster(folder)
        watch = Watch(cluster.look, cluster.last_resort)
        started: list[int] = []
        try:
            with watch:
                started = _start(folder, logical_gpus)
                yield cluster
        finally:
            if watch.lost is None:
                _shut_down(cluster, started)
            else:
                forget()
            cluster.end()


def _comes_up(process: Process) -> bool:
    """Whether a process wants to become a worker."""
    return "default_worker.py" in process.title and process.lives


def _start(folder: Path, logical_gpus: int | None) -> list[int]:
    """Start Ray's processes, and give them.

    In a folder that holds nothing: Ray puts the current one on the path of its workers.
    """
    import ray

    silence_dead_raylets()
    empty = folder / "empty"
    empty.mkdir()
    with suppress(FileNotFoundError):
        os.environ["PYTHONPATH"] = workers_path(os.environ.get("PYTHONPATH", ""), str(Path.cwd()))
    with signal_shield() as started, sigterm_kept(), standing_in(empty):
        try:
            ray.init(
                address="local",
                num_gpus=gpus_here(logical_gpus),
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="error",
                _temp_dir=str(folder / RAY),
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


def forget() -> None:
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
