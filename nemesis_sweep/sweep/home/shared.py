"""Whether every node of a cluster sees the sweep's home: trials keep everything there."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.home.folder import Home

SECONDS = 60.0
"""How long a node may take to answer, since a worker has to start there. A silent one is not refused."""
PATIENCE = 5.0
"""How long a network file system may take to show a new file, seconds."""


def refuse_an_unshared_home(home: Home) -> None:
    """Ask every node for a file in the home; raise ``UserError`` naming those that cannot see it.

    A cluster of one node is not asked: the driver has written there already.
    """
    import ray

    nodes = [node for node in ray.nodes() if node["Alive"]]
    if len(nodes) < 2:
        return
    mark = home.path / f".seen-{uuid.uuid4().hex}"
    mark.touch()
    try:
        refuse(home, _answers(nodes, mark))
    finally:
        mark.unlink()


def refuse_without(home: Home) -> None:
    """Raise ``UserError`` in a worker that does not see the home: its node came after all were asked."""
    if not sees(str(home.lock)):
        raise UserError(Problem("this node does not see the sweep's home", "--home", found=str(home.path)))


def refuse_gone(home: Home) -> None:
    """Raise ``UserError`` in a driver whose home was removed, or moved, while it was at work."""
    if not sees(str(home.lock)):
        allowed = "a home that stays where it is while a run is on; the same command begins a new one"
        message = "the sweep's home was removed or moved while it ran"
        raise UserError(Problem(message, "--home", found=str(home.path), allowed=allowed))


def refuse(home: Home, answers: Mapping[str, bool | str]) -> None:
    """Raise ``UserError`` if a node does not see the home (False), or could not even look (why, as text)."""
    blind = sorted(node for node, seen in answers.items() if seen is False)
    problems = []
    if blind:
        problems.append(
            Problem(
                f"nodes that do not see the sweep's home: {', '.join(blind)}",
                "--home",
                found=str(home.path),
                allowed="a folder on a file system that all nodes of the cluster share",
            )
        )
    for node, reason in sorted(answers.items()):
        if isinstance(reason, str):
            problems.append(
                Problem(
                    f"node {node} cannot run trials: {reason}",
                    allowed="nodes with the same nemesis-sweep; `submit --ship-code` sends it along",
                )
            )
    if problems:
        raise UserError(problems)


def sees(mark: str, patience: float | None = None) -> bool:
    """Whether a file is there, or turns up within ``patience`` seconds (by default ``PATIENCE``)."""
    deadline = time.monotonic() + (PATIENCE if patience is None else patience)
    while not Path(mark).exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _answers(nodes: list[dict[str, Any]], mark: Path) -> dict[str, bool | str]:
    """Each node's answer, by its name: whether it sees the file, or why it cannot tell."""
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look = ray.remote(num_cpus=0, max_retries=0)(sees)
    asked = {}
    for node in nodes:
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        asked[look.options(scheduling_strategy=there).remote(str(mark))] = name
    ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=SECONDS)
    answers: dict[str, bool | str] = {}
    for answer in ready:
        try:
            answers[asked[answer]] = ray.get(answer)
        except RayError as error:
            answers[asked[answer]] = str(error).strip().splitlines()[-1]
    return answers
