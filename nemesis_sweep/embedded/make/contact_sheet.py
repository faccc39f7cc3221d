"""Draw labelled pictures as a grid to be looked at: one PNG per class, or one for a list of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def draw(pictures: np.ndarray, captions: Sequence[str], path: Path, columns: int = 16) -> None:
    """Write pictures (N, H, W, 3) uint8 as a grid with a caption of a few letters below each."""
    cell, text = pictures.shape[1], 10
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (cell + 2), rows * (cell + text + 2)), "grey")
    pen = ImageDraw.Draw(sheet)
    for i, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        x, y = (i % columns) * (cell + 2), (i // columns) * (cell + text + 2)
        sheet.paste(Image.fromarray(picture), (x, y))
        pen.text((x, y + cell), caption[: cell // 6], fill="white")
    sheet.save(path)
