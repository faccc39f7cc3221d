"""Names of studies where a terminal has no room for them whole."""

from __future__ import annotations

from collections.abc import Sequence

NARROW = 110
"""Columns of a terminal below which names are shortened."""


def short_names(studies: Sequence[str], width: int) -> dict[str, str]:
    """What to show for each study: in a narrow terminal without the ending that all of them share.

    Names are cut between their parts (`digits-16shot-few_shot-icon-clip`), and something of each stays.
    The only study of a sweep keeps its name.
    """
    if width >= NARROW or len(studies) < 2:
        return {study: study for study in studies}
    parts = [study.split("-") for study in studies]
    most = min(map(len, parts)) - 1
    shared = 0
    while shared < most and len({names[-1 - shared] for names in parts}) == 1:
        shared += 1
    return {"-".join(names): "-".join(names[: len(names) - shared]) for names in parts}
