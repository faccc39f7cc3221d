"""Test sets in a home: by their content, with images wherever they are, and None for those that are not."""

import io
from dataclasses import replace

import pytest
from PIL import Image

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.files import FileItems
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.sweep.home.tested_images import FOLDER, TestedImages, read_tested, record_tested
from nemesis_sweep.testing.colours import RGB, picture


@pytest.fixture
def dataset(tmp_path):
    """Eight images in files, one of them with a name that is not UTF-8."""
    folder = tmp_path / "photos"
    folder.mkdir()
    items = []
    for number in range(8):
        path = folder / ("\udcff.png" if number == 3 else f"{number}.png")
        path.write_bytes(picture(list(RGB.values())[number // 2], seed=number))
        items.append(Item(number // 2, str(path), path=path))
    return Dataset("photos", tuple(RGB), "a photo of a {}.", {"test": items}, folder=folder)


def test_labels_names_and_images_come_back(dataset, tmp_path):
    name = record_tested(tmp_path, TestedImages.of(dataset, "photos", None))
    found = read_tested(tmp_path, name)
    assert found.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert found.classnames == tuple(RGB)
    for place, item in enumerate(dataset.test):
        assert found.image(place).tobytes() == Image.open(io.BytesIO(item.read())).tobytes()


def test_an_image_that_is_gone_or_broken_is_none(dataset, tmp_path):
    found = TestedImages.of(dataset, "photos", None)
    dataset.test[1].path.unlink()
    dataset.test[2].path.write_bytes(b"no picture")
    assert [found.image(place) is None for place in range(4)] == [False, True, True, False]


def test_a_test_set_is_written_once_and_again_where_it_is_damaged_or_its_images_were_moved(dataset, tmp_path):
    name = record_tested(tmp_path, TestedImages.of(dataset, "photos", None))
    file = tmp_path / FOLDER / f"{name}.parquet"
    first = file.stat().st_ino
    assert record_tested(tmp_path, TestedImages.of(dataset, "photos", None)) == name
    assert file.stat().st_ino == first
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DamagedError):
        read_tested(tmp_path, name)
    record_tested(tmp_path, TestedImages.of(dataset, "photos", None))
    moved = dataset.folder.rename(tmp_path / "elsewhere")
    items = [replace(item, path=moved / item.path.name) for item in dataset.test]
    there = replace(dataset, folder=moved, splits={"test": items})
    assert record_tested(tmp_path, TestedImages.of(there, "photos", None)) == name
    assert read_tested(tmp_path, name).image(3) is not None
    assert len(list(file.parent.iterdir())) == 1


def test_other_labels_are_another_test_set(dataset, tmp_path):
    names = {record_tested(tmp_path, TestedImages.of(dataset, "photos", None))}
    swapped = [replace(item, label=3 - item.label) for item in dataset.test]
    other = replace(dataset, splits={"test": swapped})
    names.add(record_tested(tmp_path, TestedImages.of(other, "photos", None)))
    assert len(names) == 2


def test_files_below_a_folder_are_found_by_their_names_alone(dataset):
    rows = [(item.path.name, item.label) for item in dataset.test]
    listed = replace(dataset, splits={"test": FileItems(dataset.folder, rows)})
    found, other = (TestedImages.of(each, "photos", None) for each in (listed, dataset))
    assert found.name == other.name
    assert found.image(2).tobytes() == other.image(2).tobytes()
