import random

import pytest

from nemesis_sweep.vlm.packing import pack


@pytest.mark.parametrize("seed", range(5))
def test_everything_is_packed_once_and_nothing_overflows(seed: int) -> None:
    rng = random.Random(seed)
    lengths = [rng.choice([3, 4, 4, 4, 5, 7, 11]) for _ in range(rng.randint(1, 300))]
    bins, size = pack(lengths)
    assert sorted(item for content in bins for item in content) == list(range(len(lengths)))
    assert all(sum(lengths[item] for item in content) <= size for content in bins)


def test_one_long_item_does_not_pad_the_others() -> None:
    lengths = [4] * 99 + [40]
    bins, size = pack(lengths)
    assert len(bins) * size <= 1.1 * sum(lengths)


def test_mixed_lengths_waste_little() -> None:
    rng = random.Random(0)
    lengths = rng.choices(range(3, 12), weights=[30, 35, 18, 8, 4, 2, 1, 1, 1], k=1000)
    bins, size = pack(lengths)
    assert len(bins) * size <= 1.03 * sum(lengths)


def test_items_longer_than_the_limit_get_their_own_size() -> None:
    assert pack([77, 2], limit=64) == ([[0], [1]], 77)
