"""A Ray cluster for one sweep: a small one of our own on this machine, or one that is there already."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from nemesis_sweep.sweep.cluster.environment import quiet_tune
from nemesis_sweep.sweep.cluster.joined_cluster import joined_cluster
from nemesis_sweep.sweep.cluster.own_cluster import OwnCluster, own_cluster
from nemesis_sweep.sweep.cluster.processes import Process
from nemesis_sweep.sweep.cluster.supervisor import RAY, tell


@contextmanager
def ray_session(logical_gpus: int | None = None) -> Iterator[OwnCluster | None]:
    """Start Ray, or join the cluster that ``RAY_ADDRESS`` names, and give the cluster if it is our own.

    ``logical_gpus`` pretends that many GPUs, so that fractions can be tried on any machine.
    Raises ``UserError`` where that is not possible, and ``LostClusterError`` when the cluster is lost.
    """
    quiet_tune()
    address = os.environ.get("RAY_ADDRESS", "")
    tell(RAY, address)
    if address:
        with joined_cluster(address):
            yield None
    else:
        with own_cluster(logical_gpus) as cluster:
            yield cluster


class RaySession:
    """Ray for one sweep: started, or joined, when it is first needed; closed by ``with`` or before."""

    def __init__(self, logical_gpus: int | None = None) -> None:
        self._logical_gpus = logical_gpus
        self._open = ExitStack()
        self._cluster: OwnCluster | None = None
        self._resources: dict[str, float] | None = None

    @property
    def own(self) -> bool:
        """Whether the cluster is this sweep's own."""
        return not self.address

    @property
    def address(self) -> str:
        """Of somebody else's cluster; '' for our own."""
        return os.environ.get("RAY_ADDRESS", "")

    def start(self) -> dict[str, float]:
        """The resources of the cluster. Raises as ``ray_session`` does."""
        if self._resources is None:
            self._cluster = self._open.enter_context(ray_session(self._logical_gpus))
            import ray

            self._resources = ray.cluster_resources()
        return self._resources

    def workers(self) -> list[Process]:
        """The worker processes of our own cluster."""
        return self._cluster.workers() if self._cluster is not None else []

    def close(self) -> None:
        """Leave the cluster, or end it; whatever works for this sweep ends too."""
        self._open.close()
        self._resources = self._cluster = None

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
