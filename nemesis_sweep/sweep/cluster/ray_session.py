"""A Ray cluster for one sweep: a small one of our own on this machine, or one that is there already."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.sweep.cluster.environment import quiet_tune
from nemesis_sweep.sweep.cluster.own_cluster import own_cluster, sigterm_kept


@contextmanager
def ray_session(logical_gpus: int | None = None) -> Iterator[dict[str, float]]:
    """Start Ray, or join the cluster that ``RAY_ADDRESS`` names, and give its resources.

    ``logical_gpus`` pretends that many GPUs, so that fractions can be tried on any machine.
    Raises ``UserError`` where that is not possible, and ``LostClusterError`` when the cluster is lost.
    """
    quiet_tune()
    address = os.environ.get("RAY_ADDRESS")
    with joined_cluster(address) if address else own_cluster(logical_gpus):
        import ray

        yield ray.cluster_resources()


@contextmanager
def joined_cluster(address: str) -> Iterator[None]:
    """Join somebody's cluster, and leave it."""
    if address.startswith(("http://", "https://")):
        raise _not_a_cluster("RAY_ADDRESS is a job server: use `nemesis-sweep submit`", address)
    import ray
    from ray.exceptions import AuthenticationError

    try:
        with sigterm_kept():
            ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, AuthenticationError) as error:
        reason = " ".join(str(error).split())
        raise _not_a_cluster(f"RAY_ADDRESS cannot be joined ({reason[:300]})", address) from error
    try:
        yield
    finally:
        ray.shutdown()


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


def _not_a_cluster(message: str, address: str) -> UserError:
    allowed = "HEAD:PORT of a running cluster, auto on one of its nodes, or unset for this machine alone"
    return UserError(Problem(message, found=address, allowed=allowed))
