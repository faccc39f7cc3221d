"""Items to the pixels of their views."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.images import UnusableError, read_image
from nemesis_sweep.data.views import view
from nemesis_sweep.vlm.preprocess import Preprocess


@dataclass(frozen=True, eq=False)
class Decoded:
    """Views of some items.

    pixels: ``(k, V, H, W, 3)`` uint8 of the k items that could be read, in their order. unusable: what is
    wrong with the others, by their place.
    """

    pixels: np.ndarray
    unusable: Mapping[int, UnusableError]


def decode(items: Sequence[Item], views: Sequence[int], preprocess: Preprocess) -> Decoded:
    """Decode items in this thread."""
    size = preprocess.image_size
    pixels = np.empty((len(items), len(views), size, size, 3), dtype=np.uint8)
    unusable: dict[int, UnusableError] = {}
    done = 0
    for place, item in enumerate(items):
        try:
            content, image = read_image(item)
        except UnusableError as error:
            unusable[place] = error
            continue
        # Not the item's key: a file has the same views wherever it lies and whenever it was copied.
        seed = hashlib.sha256(content).hexdigest()
        for column, number in enumerate(views):
            pixels[done, column] = view(image, number, seed, preprocess)
        done += 1
    return Decoded(pixels[:done], unusable)
