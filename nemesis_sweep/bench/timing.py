"""Timing ways of one step against each other: in one process, in turn, from the same context each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from nemesis_sweep.bench.our_way import OurWay
from nemesis_sweep.bench.plain_way import PlainWay
from nemesis_sweep.bench.public_way import PublicWay
from nemesis_sweep.bench.ways import Outcome, Way
from nemesis_sweep.bench.work import Setting, Work

Say = Callable[[str], None]
"""Receives a line of progress."""


@dataclass(frozen=True)
class Turn:
    """One step of one way."""

    seconds: float
    outcome: Outcome


def make_way(name: str, work: Work) -> Way:
    """The way of a name of `WAYS`, at the work's start."""
    ways: dict[str, Callable[[Work], Way]] = {"public": PublicWay, "plain": PlainWay, "ours": OurWay}
    return ways[name](work)


def use_threads(setting: Setting) -> None:
    """Give torch as many threads as the setting says, for every way the same."""
    if setting.threads:
        torch.set_num_threads(setting.threads)


def take_turns(
    ways: Mapping[str, tuple[Work, Way]], repeats: int, say: Say, *, same_context: bool = False
) -> dict[str, list[Turn]]:
    """Let each way make a step in turn, `repeats` times after a first one that does not count.

    same_context: before each round, all ways get the context of the last, so that outcomes can be compared.
    """
    turns: dict[str, list[Turn]] = {name: [] for name in ways}
    for number in range(repeats + 1):
        if same_context:
            _level([way for _, way in ways.values()])
        for name, (work, way) in ways.items():
            turn = _take_turn(work, way, number)
            if number:
                turns[name].append(turn)
        shown = ", ".join(f"{name} {turns[name][-1].seconds:.3f} s" for name in ways if turns[name])
        say(f"step {number} of {repeats}: {shown or 'warmed up'}")
    return turns


def _take_turn(work: Work, way: Way, number: int) -> Turn:
    positions = work.positions(number)
    start = time.perf_counter()
    outcome = way.step(positions)
    seconds = time.perf_counter() - start
    kept = Outcome(outcome.loss, outcome.gradient.detach().clone(), outcome.selected)
    return Turn(seconds, kept)


@torch.no_grad()
def _level(ways: Sequence[Way]) -> None:
    for way in ways[:-1]:
        for name, value in way.values.items():
            value.copy_(ways[-1].values[name])
