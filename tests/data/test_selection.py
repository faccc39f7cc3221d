"""How finely validation images tell trials apart, against drawing them; classes that are short."""

import random

import pytest

from nemesis_sweep.data.class_counts import class_counts, counts_of
from nemesis_sweep.data.episodes import few_shot_episode, incomplete_classes
from nemesis_sweep.data.protocols import arrange
from nemesis_sweep.data.registry import EMBEDDED, load_dataset
from nemesis_sweep.data.selection import selection
from nemesis_sweep.spec.tasks import Task
from tests.data.test_published_episodes import made

DATA = made([20, 3, 20], [9, 2, 30])


def task(shots: int, val_shots="published", protocol: str = "few_shot") -> Task:
    return Task("icon-clip", "made", shots, protocol, None, (), val_shots)


@pytest.mark.parametrize("val", [[9, 2, 30], []])
@pytest.mark.parametrize("val_shots", ["published", 1, 5, "all"])
@pytest.mark.parametrize("shots", [1, 2, 4, 16])
@pytest.mark.parametrize("protocol", ["few_shot", "base_to_new"])
def test_the_number_of_images_is_that_of_the_episodes(protocol, shots, val_shots, val) -> None:
    data = made([20, 3, 20], val)
    asked = task(shots, val_shots, protocol)
    found = selection(counts_of(data), asked, 3)
    arranged = arrange(asked, (1, 2, 3), lambda name: data)
    assert [found.images] * 3 == [len(episode.val) for episode in arranged.episodes]
    assert found.short == incomplete_classes(arranged.source, arranged.episodes[0])


@pytest.mark.parametrize(
    ("val_shots", "replicates"), [("published", 1), ("published", 3), (5, 2), ("all", 4)]
)
def test_the_standard_error_is_that_of_drawn_images(val_shots, replicates) -> None:
    """Every image of val is told right with probability one half, anew and anew: how means scatter."""
    rng = random.Random(0)
    drawn = [few_shot_episode(DATA, 4, seed, val_shots).val for seed in range(200)]
    means = []
    for _ in range(4000):
        right = {item.source: rng.random() < 0.5 for item in DATA.val}
        chosen = rng.sample(drawn, replicates)
        means.append(100 * sum(right[item.source] for val in chosen for item in val) / sum(map(len, chosen)))
    mean = sum(means) / len(means)
    scatter = (sum((each - mean) ** 2 for each in means) / (len(means) - 1)) ** 0.5
    assert selection(counts_of(DATA), task(4, val_shots), replicates).standard_error == pytest.approx(
        scatter, rel=0.05
    )


def test_replicates_that_see_the_same_images_make_it_no_finer() -> None:
    one, many = (selection(counts_of(DATA), task(4, "all"), n) for n in (1, 100))
    assert one.standard_error == pytest.approx(many.standard_error) == pytest.approx(50 / 41**0.5)


def test_nothing_to_validate_on_is_no_division_by_zero() -> None:
    found = selection(counts_of(made([2, 2], [])), task(4), 3)
    assert (found.images, found.standard_error) == (0, float("inf"))


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_counts_that_ship_are_those_of_the_sets(name) -> None:
    assert class_counts(name) == counts_of(load_dataset(name))
