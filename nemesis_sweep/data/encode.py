"""Pictures through the frozen image tower: decoded ahead in threads, encoded in batches that fit memory."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.meter import Meter
from nemesis_sweep.data.views import decode, view
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.vlm.backbone import Backbone, Preprocess

MAX_BATCH = 128
BATCH_PIXELS = MAX_BATCH * 224 * 224
"""Pixels at a time: larger images go in smaller batches, so that the tower's memory stays the same."""


def encode_items(
    backbone: Backbone, items: Sequence[Item], views: Sequence[int], meter: Meter | None = None
) -> np.ndarray:
    """Features ``(n, V, E)`` float32 of the items under the given view numbers.

    Raises ``UserError`` with the source of a picture that cannot be read or whose features are not finite.
    """
    features = np.empty((len(items) * len(views), backbone.embed_dim), dtype=np.float32)
    done = 0
    for pixels in _batches(items, views, backbone.preprocess):
        encoded = _encode(backbone, pixels).float().cpu().numpy()
        features[done : done + len(encoded)] = encoded
        _check_finite(encoded, done, items, len(views), backbone)
        done += len(encoded)
        if meter:
            meter.add(len(encoded))
    return features.reshape(len(items), len(views), -1)


def _encode(backbone: Backbone, pixels: Tensor) -> Tensor:
    """Encode a batch; in halves where an accelerator's memory is too small for it."""
    try:
        return backbone.encode_image(pixels)
    except torch.OutOfMemoryError:
        if len(pixels) == 1:
            raise
        return torch.cat([_encode(backbone, half) for half in pixels.chunk(2)])


def _check_finite(
    encoded: np.ndarray, first: int, items: Sequence[Item], views: int, backbone: Backbone
) -> None:
    """Refuse features ``(b, E)`` of the views from number ``first`` on that are NaN or infinite."""
    finite = np.isfinite(encoded)
    if finite.all():
        return
    place = int(np.flatnonzero(~finite.all(axis=1))[0])
    number, of_picture = divmod(first + place, views)
    narrow = backbone.dtype_name == "float16"
    raise UserError(
        Problem(
            f"{backbone.name} gives features that are not finite for this picture",
            file=items[number].source,
            found=f"{int((~finite[place]).sum())} of {len(finite[place])} values of view {of_picture}",
            allowed="finite numbers; try precision bf16 or fp32" if narrow else "finite numbers",
        )
    )


def _batches(items: Sequence[Item], views: Sequence[int], preprocess: Preprocess) -> Iterator[Tensor]:
    """Batches of pixels ``(b, 3, H, W)``; the next pictures are decoded while the tower works on these."""
    batch = min(MAX_BATCH, max(1, BATCH_PIXELS // preprocess.image_size**2))
    groups = list(_groups(items, views, batch))

    def load(group: tuple[Sequence[Item], Sequence[int]]) -> Tensor:
        return torch.cat([_views_of(item, group[1], preprocess) for item in group[0]])

    threads = min(4, _cpus())
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        ahead = [pool.submit(load, group) for group in groups[: threads + 1]]
        for number in range(len(groups)):
            if number + threads + 1 < len(groups):
                ahead.append(pool.submit(load, groups[number + threads + 1]))
            yield ahead.pop(0).result()


def _groups(
    items: Sequence[Item], views: Sequence[int], batch: int
) -> Iterator[tuple[Sequence[Item], Sequence[int]]]:
    """Items and views that are decoded together, at most a batch of them, picture after picture."""
    per_group = batch // len(views)
    if per_group:
        for start in range(0, len(items), per_group):
            yield items[start : start + per_group], views
        return
    for item in items:
        for start in range(0, len(views), batch):
            yield [item], views[start : start + batch]


def _views_of(item: Item, views: Sequence[int], preprocess: Preprocess) -> Tensor:
    try:
        content = item.read()
    except OSError as error:
        raise UserError(Problem(f"cannot read this picture: {error.strerror}", file=item.source)) from error
    image = decode(content, item.source)
    # The content, not the item's key: a file has the same views wherever it lies and whenever it was copied.
    seed = hashlib.sha256(content).hexdigest()
    return torch.stack([view(image, number, seed, preprocess) for number in views])


def _cpus() -> int:
    """Processors that this process may use, where the system can tell."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
