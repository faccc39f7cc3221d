"""Group pictures that must stay on one side of a split: near-duplicates and numbered series."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

SIDE = 16
CORRELATION = 0.95  # of 16 x 16 grey pictures: alike whatever the colours
CORRELATION_COLOUR = 0.90  # alike if the colours agree too
COLOUR_ERROR = 0.12  # root mean square over RGB in [0, 1]


def thumbnails(pictures: np.ndarray) -> np.ndarray:
    """(N, H, W, 3) uint8 to (N, 16, 16, 3) float32 in [0, 1]."""
    small = [np.asarray(Image.fromarray(p).resize((SIDE, SIDE), Image.Resampling.BOX)) for p in pictures]
    return np.stack(small).astype(np.float32) / 255


def _standardised(thumbs: np.ndarray) -> np.ndarray:
    grey = (thumbs @ np.array([0.299, 0.587, 0.114], np.float32)).reshape(len(thumbs), -1)
    grey = grey - grey.mean(1, keepdims=True)
    return grey / np.maximum(np.linalg.norm(grey, axis=1, keepdims=True), 1e-6)


def near_duplicates(left: np.ndarray, right: np.ndarray) -> Iterator[tuple[int, int]]:
    """Index pairs (i in left, j in right) of thumbnails (N, 16, 16, 3) that show the same picture,
    mirrored left to right or top to bottom included."""
    b, flat_b = _standardised(right), right.reshape(len(right), -1)
    for flipped in (left, left[:, :, ::-1], left[:, ::-1]):
        a, flat_a = _standardised(flipped), flipped.reshape(len(left), -1)
        for start in range(0, len(a), 512):
            correlation = a[start : start + 512] @ b.T
            for i, j in np.argwhere(correlation > CORRELATION_COLOUR):
                row = start + int(i)
                error = np.sqrt(np.mean((flat_a[row] - flat_b[j]) ** 2))
                if correlation[i, j] > CORRELATION or error < COLOUR_ERROR:
                    yield row, int(j)


def series_key(stem: str) -> str:
    """What the file names of a numbered series, or of a drawing and its black and white version, share."""
    key = re.sub(r"(^|_)(bw|b_w|black|white|gray|grey)(?=_|$|\d)", "", stem.lower())
    key = re.sub(r"[_\-.\s]*\d+[a-z]?$", "", key.strip("_-. "))
    key = re.sub(r"[_\-\s]+", "_", key).strip("_.")
    return key if len(key) > 2 else stem.lower()


def group_pictures(pictures: np.ndarray, stems: Sequence[str]) -> np.ndarray:
    """Group number (N,) of each picture: the connected components of near-duplicates and series."""
    parent = list(range(len(stems)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[str, int] = {}
    for i, stem in enumerate(stems):
        parent[root(i)] = root(first.setdefault(series_key(stem), i))
    thumbs = thumbnails(pictures)
    for i, j in near_duplicates(thumbs, thumbs):
        parent[root(i)] = root(j)
    return np.array([root(i) for i in range(len(stems))])
