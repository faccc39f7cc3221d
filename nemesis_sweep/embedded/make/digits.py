"""Make the digits benchmark: scikit-learn's 1,797 scans of handwritten digits, far from pretraining.

``python -m nemesis_sweep.embedded.make.digits OUTPUT``

The scans (8 x 8, 17 levels, ink as high values) are inverted to dark ink on paper with a margin of one pixel
and stored in that size.  The split is stratified by digit and seeded.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from nemesis_sweep.embedded.make.parquet import Item, write_parquet

SEED = 20261122
NAMES = tuple("0123456789")  # told apart better than "zero" to "nine": keycaps and dials are written so
TRAIN, VAL = 40, 16  # of each digit; the rest is test


def on_paper(scan: np.ndarray) -> np.ndarray:
    """An 8 x 8 scan with values 0 to 16 as a picture (10, 10, 3) uint8 of dark ink on white."""
    grey = np.pad(np.round(255 - scan * (255 / 16)).astype(np.uint8), 1, constant_values=255)
    return np.repeat(grey[:, :, None], 3, 2)


def main(output: Path) -> None:
    digits = load_digits()
    rng, items = random.Random(SEED), []
    for digit in range(10):
        numbers = [int(i) for i in np.flatnonzero(digits.target == digit)]
        rng.shuffle(numbers)
        for place, i in enumerate(numbers):
            part = "train" if place < TRAIN else "val" if place < TRAIN + VAL else "test"
            items.append(Item(on_paper(digits.images[i]), digit, part, f"sklearn-digits:{i}"))
    write_parquet(
        output / "digits.parquet",
        items,
        classnames=NAMES,
        template="a picture of the number {}.",
        description="Handwritten digits, scikit-learn's 1,797 scans (UCI optical recognition, test part)",
        license="CC-BY-4.0 (UCI Machine Learning Repository, doi 10.24432/C50P49)",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
