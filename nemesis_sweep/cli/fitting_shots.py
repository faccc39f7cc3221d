"""The numbers of shots that `nemesis-sweep init` proposes for data that is there."""

from __future__ import annotations

from collections.abc import Sequence

from nemesis_sweep.data.class_counts import counts_here
from nemesis_sweep.data.own.glance import glance
from nemesis_sweep.data.registry import own_data
from nemesis_sweep.messages.errors import UserError


def fitting_shots(datasets: Sequence[str], shots: Sequence[int]) -> list[int]:
    """Some numbers of shots, with the images of the largest class in place of those that are above them.

    A class with fewer images gives all that it has: to train with more shots than any class has is to train
    with all images, once more for every such number. Of data that is not there, or too large for a short
    look, or that a run would refuse, nothing is known. Of several datasets the one with the most counts.
    """
    known = [_most(name) for name in datasets]
    if not known or 0 in known:
        return list(shots)
    return sorted({min(each, max(known)) for each in shots})


def _most(name: str) -> int:
    """Training images of the largest class, 0 where it is not known."""
    try:
        path = own_data(name)
        if path is not None and not glance(name, path).counts:
            return 0
    except UserError:
        return 0
    counts = counts_here(name)
    return 0 if counts is None else counts.most
