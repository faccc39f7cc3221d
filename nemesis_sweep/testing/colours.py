"""A dataset of four colours, which a backbone with random weights can tell apart."""

import io

import numpy as np
from PIL import Image

from nemesis_sweep.data.dataset import Dataset, Item

RGB = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200), "dark_grey": (60, 60, 60)}


def colours() -> Dataset:
    """12 training, 4 validation and 10 test images of each."""
    splits = {}
    for offset, (split, size) in enumerate({"train": 12, "val": 4, "test": 10}.items()):
        splits[split] = [
            Item(label, f"{split}:{name}:{n}", content=picture(rgb, seed=1000 * offset + 100 * label + n))
            for n in range(size)
            for label, (name, rgb) in enumerate(RGB.items())
        ]
    return Dataset("colours", tuple(RGB), "a photo of the colour {}.", splits)


def picture(rgb: tuple[int, int, int], seed: int, size: int = 40) -> bytes:
    """A PNG of noise around a colour."""
    noise = np.random.default_rng(seed).normal(rgb, 40, (size, size, 3))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
