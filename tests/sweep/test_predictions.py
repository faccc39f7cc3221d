"""Predicted classes on disk: the same again, and small."""

import numpy as np
import pytest

from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.sweep.predictions import FILE, Predicted, read_predictions, write_predictions


def made(classes, images, accuracy=0.7, replicates=3):
    """Predictions as good as this on images in the order of their classes, as ImageNet's are listed."""
    rng = np.random.default_rng(0)
    labels = np.arange(images) * classes // images
    guessed = rng.integers(classes, size=(replicates, images))
    return np.where(rng.random((replicates, images)) < accuracy, labels, guessed).astype(np.int32)


def test_test_sets_of_several_sizes_are_read_as_they_were_written(tmp_path):
    told = {"test/base": made(300, 1000), "test/new": made(7, 33)}
    write_predictions(tmp_path, (5, 1, 9), {name: Predicted(each, name[5:]) for name, each in told.items()})
    found = read_predictions(tmp_path, (9, 5))
    assert {name: each.test_set for name, each in found.items()} == {"test/base": "base", "test/new": "new"}
    for name, each in told.items():
        assert np.array_equal(found[name].classes, each[[2, 0]])
        assert found[name].classes.dtype == np.uint16


def test_three_replicates_on_imagenet_take_less_than_300_kb(tmp_path):
    write_predictions(tmp_path, (1, 2, 3), {"test/accuracy": Predicted(made(1000, 50_000), "x")})
    assert (tmp_path / FILE).stat().st_size < 300_000


def test_other_seeds_are_not_found(tmp_path):
    write_predictions(tmp_path, (1, 2, 3), {"test/accuracy": Predicted(made(10, 20), "x")})
    with pytest.raises(DamagedError, match="holds no predictions of these seeds"):
        read_predictions(tmp_path, (1, 4))
