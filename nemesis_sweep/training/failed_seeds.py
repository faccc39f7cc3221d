"""Prompts whose training failed, which come to nothing when they are used."""

from __future__ import annotations

from collections.abc import Sequence

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed


def refuse_failed(seeds: Sequence[int], whole: Sequence[bool]) -> None:
    """Raise ``UserError`` where what comes of the prompts of some seeds is no number.

    whole: for each seed whether it is one.
    """
    failed = [str(seed) for seed, good in zip(seeds, whole, strict=True) if not good]
    if failed:
        others = [str(seed) for seed, good in zip(seeds, whole, strict=True) if good]
        allowed = f"seed {' or '.join(others)}" if others else "another prompt"
        message = "the training of this prompt has failed: what comes of it is no number"
        raise UserError(Problem(message, key="seed", found=listed(failed), allowed=allowed))
