"""`search.confirm`: the best settings trained again on fresh seeds, since the best of many is flattered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from typing import Annotated

from pydantic import BeforeValidator, Field

from nemesis_sweep.spec.fields import ALL_SEEDS, Count, Section, to_whole


class Confirm(Section):
    """top: how many of the best settings, beside plain CoOp. seeds: how many fresh ones each is given."""

    top: Count = 3
    seeds: Annotated[int, Field(ge=1, le=1000), BeforeValidator(to_whole)] = 5


def seeds_text(seeds: Sequence[int]) -> str:
    """Return `seeds 4 to 8`, `seed 4`, or `seeds 4, 9` where they do not follow one another."""
    first, last = seeds[0], seeds[-1]
    if len(seeds) == 1:
        return f"seed {first}"
    if list(seeds) == list(range(first, last + 1)):
        return f"seeds {first} to {last}"
    return f"seeds {', '.join(map(str, seeds))}"


def fresh_seeds(taken: Sequence[int], count: int) -> tuple[int, ...]:
    """The next ``count`` seeds after the largest of those that are taken; after the last there is, from 0 on.

    So the fresh seeds of a smaller count are the first ones of a larger count.
    """
    following = chain(range(max(taken) + 1, ALL_SEEDS), range(max(taken)))
    return tuple(islice((seed for seed in following if seed not in taken), count))
