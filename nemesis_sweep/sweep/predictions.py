"""What a trial predicted on its test images: `predictions.parquet` beside its result, without torch.

A row for each test set and replicate, with the class of every image in the order of the test set. Nothing
depends on the file: one that is damaged or missing, as of earlier versions, makes no trial train again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from nemesis_sweep.files.parquet import numbers, read_table, write_table
from nemesis_sweep.files.sealed import DamagedError

FILE = "predictions.parquet"


@dataclass(frozen=True, eq=False)
class Predicted:
    """The classes ``(R, n)`` that R replicates predicted; the name of their test set (``tested_images``)."""

    classes: np.ndarray
    test_set: str


def write_predictions(folder: Path, seeds: Sequence[int], predicted: Mapping[str, Predicted]) -> None:
    """Keep what was predicted. predicted: by the name of the accuracy that it gives, such as `test/new`."""
    rows = [
        (name, each.test_set, seed, number)
        for name, each in predicted.items()
        for number, seed in enumerate(seeds)
    ]
    kind = np.min_scalar_type(max(int(each.classes.max(initial=0)) for each in predicted.values()))
    lists = [predicted[name].classes[number].astype(kind) for name, _, _, number in rows]
    columns = {
        "accuracy": pa.array([name for name, *_ in rows], pa.string()),
        "test_set": pa.array([test_set for _, test_set, *_ in rows], pa.string()),
        "seed": pa.array([seed for _, _, seed, _ in rows], pa.int64()),
        "predicted": pa.array(lists, pa.list_(pa.from_numpy_dtype(kind))),
    }
    write_table(folder / FILE, pa.table(columns))


def read_predictions(folder: Path, seeds: Sequence[int]) -> dict[str, Predicted]:
    """What :func:`write_predictions` kept, with these seeds. Raises ``DamagedError``."""
    path = folder / FILE
    table = read_table(path)
    try:
        found: dict[tuple[str, str], dict[int, np.ndarray]] = {}
        keys = [table[name].to_pylist() for name in ("accuracy", "test_set", "seed")]
        for name, test_set, seed, classes in zip(*keys, table["predicted"], strict=True):
            found.setdefault((name, test_set), {})[seed] = numbers(classes.values)
        return {
            name: Predicted(np.stack([each[seed] for seed in seeds]), test_set)
            for (name, test_set), each in found.items()
        }
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DamagedError(path, f"holds no predictions of these seeds ({error!r})") from error
