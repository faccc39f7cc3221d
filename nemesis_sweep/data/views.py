"""Images as the encoder sees them: the test view, and augmented views that are the same on every machine.

Needs no torch: processes that only decode import this.
"""

import hashlib
import math

import numpy as np
from PIL import Image, ImageOps

from nemesis_sweep.vlm.preprocess import Preprocess

CROP_SCALE = (0.08, 1.0)
CROP_RATIO = (3 / 4, 4 / 3)
CROP_TRIES = 10
RESAMPLE = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
}
MAX_RESIZED = 1 << 26
"""Pixels of a resized image before its middle is taken: a strip of 1 x 60000 would be 224 x 13 million."""
CENTRE = -1
"""The number of the test view; augmented views count from 0."""


def view(image: Image.Image, number: int, key: str, preprocess: Preprocess) -> np.ndarray:
    """View ``number`` of the picture with that cache key, ``(H, W, 3)`` uint8.

    Augmented views are drawn from a generator seeded by the picture and the number, so that a view
    never depends on the order in which pictures are encoded.
    """
    size, resample = preprocess.image_size, RESAMPLE[preprocess.interpolation]
    if number == CENTRE:
        image = _centre(image, preprocess, resample)
    else:
        seed = hashlib.sha256(f"{key}:{number}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(seed[:8], "big"))
        image = _random_resized_crop(image, size, resample, rng)
    return np.asarray(image)


def _centre(image: Image.Image, preprocess: Preprocess, resample: Image.Resampling) -> Image.Image:
    """The test transform of the model: by default short edge to size, then the middle square."""
    size = preprocess.image_size
    whole = preprocess.resize or size
    if preprocess.resize_mode == "squash":
        return _cropped(image.resize((whole, whole), resample), size)
    if preprocess.resize_mode == "longest":
        return _padded(_resized(image, fitted(*image.size, size), resample), size, preprocess.fill_color)
    width, height = filled(*image.size, whole)
    if width * height > MAX_RESIZED:
        return _cropped(_middle(image, whole, resample), size)
    return _cropped(_resized(image, (width, height), resample), size)


def _cropped(image: Image.Image, size: int) -> Image.Image:
    """The middle square of an image, which is itself where it is no larger."""
    if image.size == (size, size):
        return image
    left, top = round((image.width - size) / 2), round((image.height - size) / 2)
    return image.crop((left, top, left + size, top + size))


def filled(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height with the short edge at ``size``; the other is cut to whole pixels, as in torchvision.

    In whole numbers: ``edge * (size / short)`` falls short of what it should be for 330 x 320 at 224.
    """
    return (size, size * height // width) if width <= height else (size * width // height, size)


def fitted(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height with the long edge at ``size``; the other is rounded, as open_clip does."""
    ratio = max(width / size, height / size)
    return max(1, round(width / ratio)), max(1, round(height / ratio))


def _resized(image: Image.Image, size: tuple[int, int], resample: Image.Resampling) -> Image.Image:
    return image if image.size == size else image.resize(size, resample)


def _padded(image: Image.Image, size: int, fill: int) -> Image.Image:
    """The image in the middle of a square; of an odd margin the larger half is right or below."""
    square = Image.new("RGB", (size, size), (fill,) * 3)
    square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return square


def _middle(image: Image.Image, size: int, resample: Image.Resampling) -> Image.Image:
    """The middle square of a strip, resized without the rest: whole, its long edge would fill the memory."""
    width, height = image.size
    short = min(width, height)
    left, top = (width - short) / 2, (height - short) / 2
    return image.resize((size, size), resample, box=(left, top, left + short, top + short))


def _random_resized_crop(
    image: Image.Image, size: int, resample: Image.Resampling, rng: np.random.Generator
) -> Image.Image:
    """Crop of random area and aspect, resized, flipped half the time: the train view of CoOp."""
    left, top, width, height = _crop_box(*image.size, rng)
    # Crop first, as the published transform does: a box inside resize would blend in its surroundings.
    image = image.crop((left, top, left + width, top + height)).resize((size, size), resample)
    return ImageOps.mirror(image) if rng.random() < 0.5 else image


def _crop_box(width: int, height: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Left, top, width, height of the crop; the middle of the image when ten draws do not fit."""
    for _ in range(CROP_TRIES):
        area = width * height * rng.uniform(*CROP_SCALE)
        ratio = math.exp(rng.uniform(math.log(CROP_RATIO[0]), math.log(CROP_RATIO[1])))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
            return left, top, w, h
    w, h = width, height
    if width / height < CROP_RATIO[0]:
        h = round(width / CROP_RATIO[0])
    elif width / height > CROP_RATIO[1]:
        w = round(height * CROP_RATIO[1])
    return (width - w) // 2, (height - h) // 2, w, h
