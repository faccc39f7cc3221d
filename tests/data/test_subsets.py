"""Base and new classes: the first half of the labels and the rest, relabelled."""

import pytest

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.episodes import few_shot_episode
from nemesis_sweep.data.subsets import base_and_new, episode_of_classes, of_classes
from nemesis_sweep.messages.errors import UserError


def made(classes: int) -> Dataset:
    splits = {
        split: [Item(label, f"{split}:{label}:{n}", b"x") for n in range(count) for label in range(classes)]
        for split, count in (("train", 6), ("val", 5), ("test", 3))
    }
    return Dataset("made", tuple("abcdefgh"[:classes]), "a {}.", splits, "given")


@pytest.mark.parametrize(("classes", "base"), [(2, 1), (5, 3), (8, 4)])
def test_base_is_the_larger_half(classes: int, base: int) -> None:
    first, second = base_and_new(made(classes))
    assert (first, second) == (list(range(base)), list(range(base, classes)))


def test_one_class_has_no_halves() -> None:
    with pytest.raises(UserError, match="two classes or more; found made with 1"):
        base_and_new(made(1))


def test_new_classes_are_relabelled_from_zero_and_keep_their_images() -> None:
    data = made(5)
    new = of_classes(data, base_and_new(data)[1])
    assert new.classnames == ("d", "e")
    assert [(item.source, item.label) for item in new.test] == [
        (f"test:{label}:{n}", label - 3) for n in range(3) for label in (3, 4)
    ]
    assert (new.template, new.split) == (data.template, data.split)


def test_an_episode_is_drawn_on_all_classes_and_filtered_after() -> None:
    data = made(5)
    base, new = base_and_new(data)
    whole = few_shot_episode(data, 4, 1)
    halves = [episode_of_classes(whole, labels) for labels in (base, new)]
    for half, labels in zip(halves, (base, new), strict=True):
        assert [item.source for item in half.train] == [i.source for i in whole.train if i.label in labels]
        assert {item.label for item in half.val} == set(range(len(labels)))
    # Not what an episode of these classes alone would be.
    alone = few_shot_episode(of_classes(data, new), 4, 1)
    assert [item.source for item in alone.train] != [item.source for item in halves[1].train]
