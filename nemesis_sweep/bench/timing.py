"""Timing implementations of one step: in one process, in turn, from the same context each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from nemesis_sweep.bench.implementations import Implementation, Outcome
from nemesis_sweep.bench.our_implementation import OurImplementation
from nemesis_sweep.bench.plain_implementation import PlainImplementation
from nemesis_sweep.bench.public_implementation import PublicImplementation
from nemesis_sweep.bench.workload import Workload
from nemesis_sweep.vlm.devices import synchronise

Say = Callable[[str], None]
"""Receives a line of progress."""


@dataclass(frozen=True)
class Turn:
    """One step of one implementation."""

    seconds: float
    outcome: Outcome


def make_implementation(name: str, workload: Workload) -> Implementation:
    """The implementation of a name of `IMPLEMENTATIONS`, at the start of its workload."""
    implementations: dict[str, Callable[[Workload], Implementation]] = {
        "public": PublicImplementation,
        "plain": PlainImplementation,
        "ours": OurImplementation,
    }
    return implementations[name](workload)


def use_threads(threads: int) -> None:
    """Give torch so many threads, for every implementation the same; 0 leaves its choice."""
    if threads:
        torch.set_num_threads(threads)


def take_turns(
    implementations: Mapping[str, tuple[Workload, Implementation]],
    repeats: int,
    say: Say,
    *,
    same_context: bool = False,
) -> dict[str, list[Turn]]:
    """Let each implementation make a step in turn, `repeats` times after a first one that does not count.

    same_context: before each round, all get the context of the last, so that outcomes can be compared.
    """
    turns: dict[str, list[Turn]] = {name: [] for name in implementations}
    for number in range(repeats + 1):
        if same_context:
            _level([implementation for _, implementation in implementations.values()])
        for name, (workload, implementation) in implementations.items():
            turn = _take_turn(workload, implementation, number)
            if number:
                turns[name].append(turn)
        shown = ", ".join(
            f"{name} {turns[name][-1].seconds:.3f} s" for name in implementations if turns[name]
        )
        say(f"step {number} of {repeats}: {shown or 'warmed up'}")
    return turns


def _take_turn(workload: Workload, implementation: Implementation, number: int) -> Turn:
    positions = workload.positions(number)
    synchronise(workload.device)
    start = time.perf_counter()
    outcome = implementation.step(positions)
    synchronise(workload.device)
    seconds = time.perf_counter() - start
    kept = Outcome(outcome.loss, outcome.gradient.detach().clone(), outcome.selected)
    return Turn(seconds, kept)


@torch.no_grad()
def _level(implementations: Sequence[Implementation]) -> None:
    for implementation in implementations[:-1]:
        for name, value in implementation.values.items():
            value.copy_(implementations[-1].values[name])
