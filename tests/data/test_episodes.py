"""The published sampling rule."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.episodes import few_shot_episode, incomplete_classes
from nemesis_sweep.messages.errors import UserError


def items(split: str, counts: dict[int, int]) -> list[Item]:
    """Labels interleaved, highest first, so that the order of appearance is not the order of labels."""
    rows = [(n, label) for label, count in counts.items() for n in range(count)]
    return [
        Item(label, f"{split}:{label}:{n}", b"x") for n, label in sorted(rows, key=lambda r: (r[0], -r[1]))
    ]


DATA = Dataset(
    "made",
    ("a", "b", "c"),
    "a {}.",
    {
        "train": items("train", {0: 9, 1: 5, 2: 9}),
        "val": items("val", {0: 6, 1: 2, 2: 6}),
        "test": items("test", {0: 2}),
    },
)


def by_hand(shots: int, seed: int, val_shots: int | None = None) -> tuple[list[str], list[str]]:
    """The rule written out: one stream, labels in order of appearance (2, 1, 0), train before val."""
    rng = random.Random(seed)
    drawn = []
    for split, k in (("train", shots), ("val", val_shots or min(shots, 4))):
        chosen = []
        for label in (2, 1, 0):
            pool = [item.source for item in DATA.splits[split] if item.label == label]
            chosen += rng.sample(pool, k) if len(pool) >= k else pool
        drawn.append(chosen)
    return drawn[0], drawn[1]


def test_every_seed_and_shot_follows_the_rule():
    for shots in (1, 2, 4, 8, 16):
        for seed in (1, 2, 3):
            episode = few_shot_episode(DATA, shots, seed)
            train, val = by_hand(shots, seed)
            assert [item.source for item in episode.train] == train
            assert [item.source for item in episode.val] == val


def test_known_draws():
    # Python's random is the same on every platform and version; these are the rule's first draws.
    assert random.Random(1).sample(range(10), 4) == [2, 1, 4, 0]
    episode = few_shot_episode(DATA, 1, 1)
    assert [item.label for item in episode.train] == [2, 1, 0]


def test_a_class_with_too_few_images_gives_all_of_them():
    episode = few_shot_episode(DATA, 8, 1)
    assert [item.source for item in episode.train if item.label == 1] == [f"train:1:{n}" for n in range(5)]
    assert len([item for item in episode.val if item.label == 1]) == 2


def sources(items) -> list[str]:
    return [item.source for item in items]


def test_more_validation_images_leave_train_and_the_stream_as_published():
    for shots in (1, 2, 4, 8, 16):
        for seed in (1, 2, 3):
            published = few_shot_episode(DATA, shots, seed)
            assert few_shot_episode(DATA, shots, seed, min(shots, 4)).val == published.val
            for count in (1, 3, 5, 100):
                episode = few_shot_episode(DATA, shots, seed, count)
                assert (sources(episode.train), sources(episode.val)) == by_hand(shots, seed, count)
                assert episode.train == published.train


def test_all_of_val_is_taken_in_its_own_order():
    for seed in (1, 2):
        episode = few_shot_episode(DATA, 4, seed, "all")
        assert episode.val == tuple(DATA.val)
        assert episode.train == few_shot_episode(DATA, 4, seed).train
    assert incomplete_classes(DATA, episode) == {}
    assert incomplete_classes(DATA, few_shot_episode(DATA, 4, 1, 5)) == {"val": {"b": 2}}


@pytest.mark.parametrize("val_shots", [3, "all"])
def test_without_val_it_is_taken_from_what_train_leaves(val_shots):
    data = replace(DATA, splits={**DATA.splits, "val": []})
    episode = few_shot_episode(data, 4, 1, val_shots)
    assert episode.train == few_shot_episode(DATA, 4, 1).train
    left = [item for item in data.train if item not in episode.train]
    assert set(episode.val) <= set(left)
    assert Counter(item.label for item in episode.val) == (
        {0: 3, 1: 1, 2: 3} if val_shots == 3 else {0: 5, 1: 1, 2: 5}
    )
    assert val_shots == 3 or sources(episode.val) == sources(left)
    with pytest.raises(UserError, match="would leave nothing to validate on"):
        few_shot_episode(data, 9, 1, val_shots)
