"""The few-shot lists of a split of EuroSAT's sizes, for every published seed and number of shots."""

import json
from pathlib import Path

import pytest

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.episodes import few_shot_episode, incomplete_classes
from nemesis_sweep.data.files import FileItems
from nemesis_sweep.messages.errors import UserError

PUBLISHED = json.loads(Path(__file__).with_name("few_shot_indices.json").read_text())


def listed(counts: list[int]) -> FileItems:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    return FileItems(Path("/data"), [(str(place), label) for place, label in enumerate(labels)])


def made(train: list[int], val: list[int], test: list[int] | None = None) -> Dataset:
    names = tuple(f"class {number}" for number in range(len(train)))
    splits = {"train": listed(train), "val": listed(val), "test": listed(test or [])}
    return Dataset("made", names, "a {}.", splits)


def places(items) -> list[int]:
    return [int(item.path.name) for item in items]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("shots", [1, 2, 4, 8, 16])
def test_lists_equal_the_published_rule(shots: int, seed: int) -> None:
    expected = PUBLISHED["episodes"][f"shot_{shots}-seed_{seed}"]
    episode = few_shot_episode(made(PUBLISHED["train"], PUBLISHED["val"]), shots, seed)
    assert places(episode.train) == expected["train"]
    assert places(episode.val) == expected["val"]
    assert len(episode.val) == 10 * min(shots, 4)
    assert [item.label for item in episode.train] == [label for label in range(10) for _ in range(shots)]


def test_without_val_it_is_drawn_from_what_is_left_of_train() -> None:
    data = made([9, 6, 4], [], [5, 5, 5])
    with_val = few_shot_episode(made([9, 6, 4], [9, 9, 9]), 4, 1)
    episode = few_shot_episode(data, 4, 1)
    assert places(episode.train) == places(with_val.train)
    assert (episode.val_from, with_val.val_from) == ("train", "val")
    assert not set(places(episode.train)) & set(places(episode.val))
    assert [item.label for item in episode.val] == [0] * 4 + [1] * 2
    assert incomplete_classes(data, episode) == {"val": {"class 1": 2, "class 2": 0}}


def test_classes_with_too_few_images_are_told_and_the_others_are_full() -> None:
    data = made([20, 3, 20], [4, 1, 0])
    episode = few_shot_episode(data, 8, 2)
    assert [item.label for item in episode.train] == [0] * 8 + [1] * 3 + [2] * 8
    assert incomplete_classes(data, episode) == {
        "train": {"class 1": 3},
        "val": {"class 1": 1, "class 2": 0},
    }
    assert incomplete_classes(data, few_shot_episode(data, 1, 2)) == {"val": {"class 2": 0}}


def test_a_dataset_that_only_tests_is_refused() -> None:
    with pytest.raises(UserError, match=r"tasks\.dataset: made has no training images"):
        few_shot_episode(made([0, 0], [], [3, 3]), 1, 1)
