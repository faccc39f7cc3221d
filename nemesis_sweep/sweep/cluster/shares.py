"""What a trial takes of a cluster, and how much more a trial gets that ran out of memory."""

import math
from collections.abc import Mapping, Sequence

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.resources import Resources

RESOURCES = "resources"
"""Key of a trial's configuration: what it takes, in Ray's words (`cpu`, `gpu`)."""


Node = Mapping[str, float]
"""What a node has, in Ray's words (`CPU`, `GPU`). A trial is on one node."""


def trial_resources(wanted: Resources, nodes: Sequence[Node], auto_gpus: float) -> dict[str, float]:
    """What one trial takes of the cluster. Raises ``UserError`` for a request that could never be met.

    Ray itself would wait for ever. auto_gpus: the share of a GPU where the sweep file leaves it open.
    """
    gpus = auto_gpus if wanted.gpus == "auto" else float(wanted.gpus)
    resources = {"cpu": wanted.cpus, "gpu": gpus} if gpus else {"cpu": wanted.cpus}
    problems = []
    for name, wants in resources.items():
        most = max((node.get(name.upper(), 0.0) for node in nodes), default=0.0)
        if wants > most:
            problems.append(_impossible(name, wants, most, len(nodes)))
    if not problems and not concurrent(resources, nodes):
        found = f"cpus {wanted.cpus:g}, gpus {gpus:g}"
        beside = max(node["CPU"] for node in nodes if node.get("GPU", 0.0) >= gpus)
        allowed = f"cpus up to {beside:g}, which a node with a GPU has, or gpus 0"
        problems.append(
            Problem("no node has enough CPUs and GPUs", "resources", found=found, allowed=allowed)
        )
    if problems:
        raise UserError(problems)
    return resources


def whole_gpu(nodes: Sequence[Node]) -> float:
    """What `gpus: auto` may come to, before it was measured: a whole GPU, 0 where there is none."""
    return float(any(node.get("GPU") for node in nodes))


def doubled(share: float) -> float | None:
    """Twice the share of a GPU, at most one whole; None where there is no more to give."""
    return min(1.0, 2 * share) if 0 < share < 1 else None


def with_seeds(share: float, times: float) -> float:
    """The share of a GPU for a trial with so many times the usual replicates, at most one whole."""
    return share if times <= 1 or share >= 1 else min(1.0, math.ceil(100 * share * times) / 100)


def concurrent(resources: Mapping[str, float], nodes: Sequence[Node]) -> int:
    """How many trials fit the nodes at once."""
    return sum(min(_fits(node, name, share) for name, share in resources.items()) for node in nodes)


def _fits(node: Node, name: str, share: float) -> int:
    there = node.get(name.upper(), 0.0)
    if name == "gpu" and share < 1:  # A share is of one GPU: two trials of 0.4 fit one, not five fit two.
        return int(there) * int(1 / share + 1e-9)
    return int(there / share + 1e-9)


def _impossible(name: str, wanted: float, there: float, nodes: int) -> Problem:
    what = name.upper()
    where = "here" if nodes < 2 else "on one node"
    allowed = f"at most {there:g} {where}" if there else f"there is no {what} here; use 0 or auto"
    return Problem(f"more {what}s than there are", f"resources.{name}s", found=f"{wanted:g}", allowed=allowed)
