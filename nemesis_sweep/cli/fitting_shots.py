"""The numbers of shots that `nemesis-sweep init` proposes for data that is there."""

from __future__ import annotations

from collections.abc import Sequence

from nemesis_sweep.data.class_counts import counts_here
from nemesis_sweep.data.own.glance import glance
from nemesis_sweep.data.registry import own_data
from nemesis_sweep.messages.errors import UserError


def fitting_shots(datasets: Sequence[str], shots: Sequence[int]) -> list[int]:
    """Those of some numbers of shots for which at least half of the classes of each dataset have the images.

    A class with fewer gives all that it has, so that more shots would be the same task once more. Where none
    of them fits, the number of images that these classes have. Of data that is not there, or too large for a
    short look, or that a run would refuse, nothing is known.
    """
    most = min((usual for name in datasets if (usual := _usual(name))), default=max(shots))
    return [each for each in shots if each <= most] or [most]


def _usual(name: str) -> int:
    try:
        path = own_data(name)
        if path is not None and not glance(name, path).counts:
            return 0
    except UserError:
        return 0
    counts = counts_here(name)
    return 0 if counts is None else counts.usual
