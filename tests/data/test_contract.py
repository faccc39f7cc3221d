"""What every dataset keeps to, whatever its layout."""

from pathlib import Path

import pytest

from nemesis_sweep.data.catalogue import CATALOGUE
from nemesis_sweep.data.dataset import SPLITS, Dataset
from nemesis_sweep.data.episodes import few_shot_episode
from nemesis_sweep.data.files import labels_of
from nemesis_sweep.data.fingerprint import fingerprint
from nemesis_sweep.data.inspection import flaws
from nemesis_sweep.data.registry import EMBEDDED, dataset_names, load_dataset
from tests.data import layouts, own_data

TEST_ONLY = {"imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"}
OF_CATALOGUE = [(name, number) for name, builders in layouts.ALL.items() for number in range(len(builders))]
CASES = [*OF_CATALOGUE, *((kind, 0) for kind in own_data.ALL), *((name, 0) for name in EMBEDDED)]


def build(name: str, number: int, root: Path) -> str:
    """Lay the dataset out below ``root`` and give its name in a sweep file."""
    if name in layouts.ALL:
        layouts.ALL[name][number](root)
    elif name in own_data.ALL:
        return own_data.ALL[name](root)
    return name


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request, tmp_path_factory) -> tuple[str, int, str, Path]:
    kind, number = request.param
    root = tmp_path_factory.mktemp("root")
    return kind, number, build(kind, number, root), root


@pytest.fixture(scope="module")
def dataset(case) -> Dataset:
    return load_dataset(case[2], case[3])


def test_every_layout_of_the_catalogue_is_built() -> None:
    assert {name: len(each) for name, each in layouts.ALL.items()} == {
        name: len(entry.layouts) for name, entry in CATALOGUE.items()
    }
    assert set(dataset_names()) == {*EMBEDDED, *layouts.ALL}


def test_its_layout_is_found_and_told(case, dataset) -> None:
    name, number, _, root = case
    assert dataset.split
    if name in CATALOGUE:
        layout = CATALOGUE[name].layouts[number]
        assert CATALOGUE[name].find(root) is layout
        assert (dataset.split, dataset.folder) == (layout.split, root / layout.folder)


def test_class_names_are_clean_and_the_template_takes_them(dataset) -> None:
    names = dataset.classnames
    assert len(names) == len(set(names)) >= 2
    for name in names:
        assert name == " ".join(name.split()) and name and "_" not in name and "/" not in name
    assert dataset.template.count("{}") == 1
    texts = dataset.zero_shot_texts()
    assert len(texts) == len(names) and all(name in text for name, text in zip(names, texts, strict=True))


def test_labels_are_in_range_and_every_class_is_tested(dataset) -> None:
    for split in SPLITS:
        labels = labels_of(dataset.splits[split])
        assert list(labels) == [item.label for item in dataset.splits[split]]
        assert set(labels) <= set(range(len(dataset.classnames)))
    assert set(labels_of(dataset.test)) == set(range(len(dataset.classnames)))


def test_there_is_something_to_train_on(case, dataset) -> None:
    assert len(dataset.test)
    if case[0] in TEST_ONLY:
        assert len(dataset.train) == len(dataset.val) == 0
    else:
        assert set(labels_of(dataset.train)) == set(range(len(dataset.classnames)))
        episode = few_shot_episode(dataset, 2, 1)
        assert len(episode.train) == len(episode.val) == 2 * len(dataset.classnames)


def test_no_image_is_in_two_splits(dataset) -> None:
    sources = [item.source for split in SPLITS for item in dataset.splits[split]]
    assert len(sources) == len(set(sources))


def test_every_image_can_be_read_and_has_an_identity(dataset) -> None:
    assert list(flaws(dataset)) == []
    items = [item for split in SPLITS for item in dataset.splits[split]]
    assert all(len(bytes.fromhex(item.key)) == 32 for item in items[:20])
    assert [item.key for item in dataset.test[:3]] == [
        dataset.test[n].key for n in range(min(3, len(dataset.test)))
    ]


def test_the_order_and_the_fingerprint_are_the_same_every_time(case, dataset) -> None:
    again = load_dataset(case[2], case[3])
    for split in SPLITS:
        assert [item.source for item in again.splits[split]] == [
            item.source for item in dataset.splits[split]
        ]
    assert fingerprint(again) == fingerprint(dataset)


def test_elsewhere_it_has_the_same_fingerprint(case, dataset, tmp_path) -> None:
    kind, number, _, _ = case
    elsewhere = load_dataset(build(kind, number, tmp_path), tmp_path)
    assert fingerprint(elsewhere) == fingerprint(dataset)
