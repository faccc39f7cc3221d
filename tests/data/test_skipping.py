"""Going on without images that cannot be read: what stays as drawn, what stands in, what is left out."""

from collections import Counter
from dataclasses import replace

import pytest

from nemesis_sweep.data.protocols import arrange
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.data.skipping import unreadable, without
from nemesis_sweep.spec.tasks import Task
from tests.data import own_data
from tests.data.test_inspection import noise

SEEDS = (1, 2, 3)


def arranged(root, shots: int = 2, protocol: str = "few_shot"):
    task = Task("icon-clip", "./mine", shots, protocol, str(root))
    return arrange(task, SEEDS, lambda name: load_dataset(name, root))


@pytest.fixture
def mine(tmp_path):
    own_data.class_folders_in_splits(tmp_path)
    return tmp_path / "mine"


def sources(items) -> list[str]:
    return [item.source for item in items]


@pytest.mark.parametrize("protocol", ["few_shot", "base_to_new"])
def test_what_can_be_read_stays_as_drawn_and_another_image_of_the_class_stands_in(
    mine, tmp_path, protocol
) -> None:
    before = arranged(tmp_path, protocol=protocol)
    broken, empty = before.episodes[0].train[0], before.episodes[1].val[1]
    tested = before.source.test[3]
    broken.path.write_bytes(noise("JPEG")[:-900])
    # Not removed: a folder is listed anew, and what it lists decides what is drawn.
    empty.path.write_bytes(b"")
    tested.path.write_text("no image")
    bad = unreadable(before)
    assert {name.partition(": ")[2] for name in bad} == {
        item.path.relative_to(mine).as_posix() for item in (broken, empty, tested)
    }
    kinds = sorted(reason.partition(":")[0] for reason in bad.values())
    assert kinds == ["truncated", "unreadable", "unreadable"]
    after = without(before, bad)
    for old, new in zip(before.episodes, after.episodes, strict=True):
        for drawn, kept in ((old.train, new.train), (old.val, new.val)):
            assert [item.label for item in kept] == [item.label for item in drawn]
            assert len(set(sources(kept))) == len(kept)
            for one, other in zip(drawn, kept, strict=True):
                assert (one == other) == (one.source not in {broken.source, empty.source})
    assert sources(after.source.test) == [
        name for name in sources(before.source.test) if name != tested.source
    ]
    # The same again: a worker that knows the names needs to decode nothing.
    assert without(before, bad).episodes == after.episodes
    assert unreadable(after) == {}


def test_an_image_that_stands_in_is_decoded_too(mine, tmp_path) -> None:
    readable = sorted((mine / "train/second").glob("image*.jpg"))[-2:]
    for path in (mine / "train/second").glob("image*.jpg"):
        if path not in readable:
            path.write_bytes(b"")
    before = arranged(tmp_path)
    after = without(before, unreadable(before))
    for episode in after.episodes:
        own = [item.path for item in episode.train if item.label == 1]
        assert sorted(own) == readable


def test_a_class_without_enough_has_the_same_number_for_every_seed(mine, tmp_path) -> None:
    (mine / "train/second/image_0004.jpg").write_bytes(b"")
    before = arranged(tmp_path, shots=10)
    after = without(before, unreadable(before))
    assert [[len(e.train), len(e.val)] for e in after.episodes] == [[29, 12]] * 3


def test_nothing_is_changed_where_everything_can_be_read(mine, tmp_path) -> None:
    before = arranged(tmp_path)
    assert unreadable(before) == {}
    assert without(before, {}) is before


@pytest.mark.parametrize("val_shots", [2, 4, "all"])
def test_where_val_is_part_of_train_every_seed_has_as_many_of_either(colours, val_shots) -> None:
    data = replace(colours, splits={**colours.splits, "val": []})
    task = Task("icon-clip", "colours", 8, "few_shot", None, (), val_shots)
    before = arrange(task, range(6), lambda name: data)
    broken = next(item for item in data.train if item.label == 0)
    bad = {f"{data.name}: {data.local(broken)}"}
    assert len({broken in episode.train for episode in before.episodes}) == 2  # seen from both sides
    after = without(before, bad)
    counts = {tuple(sorted(Counter(item.label for item in e.train).items())) for e in after.episodes}
    counts_of_val = {tuple(sorted(Counter(item.label for item in e.val).items())) for e in after.episodes}
    assert (len(counts), len(counts_of_val)) == (1, 1)
    for episode in after.episodes:
        used = sources((*episode.train, *episode.val))
        assert broken.source not in used and len(set(used)) == len(used)
