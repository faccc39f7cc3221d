"""A Ray cluster that somebody else has started, watched for as long as it is used."""

import math
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.cluster.lost import LostClusterError, last_resort
from nemesis_sweep.sweep.cluster.own_cluster import forget, sigterm_kept
from nemesis_sweep.sweep.cluster.processes import Process, process
from nemesis_sweep.sweep.cluster.watch import Watch
from nemesis_sweep.sweep.internals.ray_names import check_ray, raylet_socket

RARELY, ANSWER = 2.0, 5.0
"""Seconds between two questions to the GCS, and for its answer."""

AWAY = 40.0
"""Seconds for which the GCS may be away: Ray's C++ ends this process after 60."""


class JoinedCluster:
    """The GCS by its address, and the raylet of this node by its process where that is known."""

    def __init__(self, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        import ray

        self._address = address
        self._clock = clock
        self._gcs = ray.get_runtime_context().gcs_address
        self._raylet = _raylet()
        self._asked = -math.inf
        self._answered = clock()

    def look(self) -> LostClusterError | None:
        """What is wrong with it."""
        if self._raylet is not None and not self._raylet.lives:
            return LostClusterError("the raylet of this node has ended", self._address)
        now = self._clock()
        if now - self._asked < RARELY:
            return None
        self._asked = now
        if _takes_connections(self._gcs):
            self._answered = self._clock()
        away = self._clock() - self._answered
        if away > AWAY:
            return LostClusterError(f"its GCS has not answered for {away:.0f} s", self._address)
        return None


@contextmanager
def joined_cluster(address: str) -> Iterator[None]:
    """Join somebody's cluster, and leave it."""
    if address.startswith(("http://", "https://")):
        raise _not_a_cluster("RAY_ADDRESS is a job server: use `nemesis-sweep submit`", address)
    check_ray()
    import ray
    from ray.exceptions import AuthenticationError

    try:
        with sigterm_kept():
            ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, AuthenticationError) as error:
        reason = " ".join(str(error).split())
        raise _not_a_cluster(f"RAY_ADDRESS cannot be joined ({reason[:300]})", address) from error
    cluster = JoinedCluster(address)
    watch = Watch(cluster.look, last_resort)
    try:
        with watch:
            yield
    finally:
        if watch.lost is None:
            ray.shutdown()
        else:
            forget()


def _takes_connections(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER):
            return True
    except OSError:
        return False


def _raylet() -> Process | None:
    """The process behind the socket of this node's raylet, as the kernel knows it."""
    path = raylet_socket()
    if path is None or not hasattr(socket, "SO_PEERCRED"):
        return None
    with suppress(OSError), socket.socket(socket.AF_UNIX) as asker:
        asker.connect(path)
        known = asker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, _, _ = struct.unpack("3i", known)
        return process(pid) if pid else None
    return None


def _not_a_cluster(message: str, address: str) -> UserError:
    allowed = "HEAD:PORT of a running cluster, auto on one of its nodes, or unset for this machine alone"
    return UserError(Problem(message, found=address, allowed=allowed))
