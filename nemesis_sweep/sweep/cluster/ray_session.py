"""A Ray cluster for one sweep: a small one of our own on this machine, or one that is there already."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.sweep.cluster.out_of_reach import end_watchers, out_of_reach

OBJECT_STORE_BYTES = 100 * 1024 * 1024
"""Enough: features go through memory-mapped files, not through Ray's object store."""

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "1",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Our own progress is shown instead of Tune's, and Ctrl-C is the runner's business.
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # Optuna's storage is the truth; Tune's own snapshots would only cost time.
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
}


def quiet_tune() -> None:
    """Let Tune neither print nor write what we show and keep ourselves; call it before Tune is imported."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)


@contextmanager
def ray_session(logical_gpus: int | None = None) -> Iterator[dict[str, float]]:
    """Start Ray, or join the cluster that ``RAY_ADDRESS`` names, and give its resources.

    ``logical_gpus`` pretends that many GPUs, so that fractions can be tried on any machine.
    """
    quiet_tune()
    address = os.environ.get("RAY_ADDRESS")
    if address and address.startswith(("http://", "https://")):
        raise _not_a_cluster("RAY_ADDRESS is a job server: use `nemesis-sweep submit`", address)
    started = _join(address) if address else _start(logical_gpus)
    import ray

    try:
        yield ray.cluster_resources()
    finally:
        end_watchers(started)
        ray.shutdown()


def _join(address: str) -> list[int]:
    """Join a cluster, and give the processes that were started for it: none."""
    import ray
    from ray.exceptions import AuthenticationError

    try:
        with _sigterm_kept():
            ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, AuthenticationError) as error:
        reason = " ".join(str(error).split())
        raise _not_a_cluster(f"RAY_ADDRESS cannot be joined ({reason[:300]})", address) from error
    return []


def _start(logical_gpus: int | None) -> list[int]:
    """Start a cluster on this machine, and give its processes."""
    import ray

    with out_of_reach() as started, _sigterm_kept():
        ray.init(
            address="local",
            num_gpus=logical_gpus,
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
        )
    return started


@contextmanager
def _sigterm_kept() -> Iterator[None]:
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


class RaySession:
    """Ray for one sweep: started, or joined, when it is first needed; closed by ``with`` or before."""

    def __init__(self, logical_gpus: int | None = None) -> None:
        self._logical_gpus = logical_gpus
        self._open = ExitStack()
        self._resources: dict[str, float] | None = None

    @property
    def own(self) -> bool:
        """Whether the cluster is this sweep's own."""
        return not os.environ.get("RAY_ADDRESS")

    def start(self) -> dict[str, float]:
        """The resources of the cluster. Raises ``UserError`` as ``ray_session`` does."""
        if self._resources is None:
            self._resources = self._open.enter_context(ray_session(self._logical_gpus))
        return self._resources

    def close(self) -> None:
        """Leave the cluster, or end it; whatever works for this sweep ends too."""
        self._open.close()
        self._resources = None

    @contextmanager
    def running(self) -> Iterator[dict[str, float]]:
        """The resources of the cluster, which is left or ended afterwards."""
        try:
            yield self.start()
        finally:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def nodes_there() -> list[dict[str, float]]:
    """What each node of the cluster has."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


@contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    """Work in a folder that lasts: a job's may vanish, for Ray unpacks it anew where nodes share a disk."""
    try:
        before = Path.cwd()
    except FileNotFoundError:
        before = folder
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _not_a_cluster(message: str, address: str) -> UserError:
    allowed = "HEAD:PORT of a running cluster, auto on one of its nodes, or unset for this machine alone"
    return UserError(Problem(message, found=address, allowed=allowed))
