"""Write one embedded image set: pictures as lossless WebP, labels, splits and sources, as Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

SIDE = 48  # pixels, what the embedded CLIP sees


@dataclass(frozen=True)
class Item:
    picture: np.ndarray  # (H, W, 3) uint8
    label: int
    split: str
    source: str


def shrink(picture: np.ndarray) -> np.ndarray:
    """The picture in the size it is stored in: 48 x 48 pixels if it is larger."""
    if max(picture.shape) <= SIDE:
        return picture
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def encode(picture: np.ndarray) -> bytes:
    """A picture as lossless WebP."""
    buffer = io.BytesIO()
    Image.fromarray(shrink(picture)).save(buffer, "WEBP", lossless=True, quality=60, method=4)
    return buffer.getvalue()


def write_parquet(path: Path, items: Sequence[Item], classnames: Sequence[str], **metadata: str) -> None:
    """Write ``items``; the schema's metadata holds ``classnames`` and ``metadata`` as JSON text."""
    described = {"classnames": json.dumps(list(classnames))} | {k: json.dumps(v) for k, v in metadata.items()}
    schema = pa.schema(
        [("image", pa.binary()), ("label", pa.int32()), ("split", pa.string()), ("source", pa.string())],
        described,
    )
    columns = [
        [encode(i.picture) for i in items],
        [i.label for i in items],
        [i.split for i in items],
        [i.source for i in items],
    ]
    table = pa.table(columns, schema=schema)
    temporary = path.with_suffix(".tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(path)
