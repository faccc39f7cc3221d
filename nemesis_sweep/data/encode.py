"""Pictures through the frozen image tower: decoded ahead in threads, encoded in batches."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.views import decode, view
from nemesis_sweep.vlm.backbone import Backbone, Preprocess

BATCH = 128
REPORT_EVERY = 5.0
"""Seconds between two progress reports."""


def encode_items(
    backbone: Backbone,
    items: Sequence[Item],
    views: Sequence[int],
    report: Callable[[str], None] | None = None,
    label: str = "encoding",
) -> np.ndarray:
    """Features ``(n, V, E)`` float32 of the items under the given view numbers.

    ``report`` gets a line with the rate and the time left every few seconds.
    """
    features = np.empty((len(items) * len(views), backbone.embed_dim), dtype=np.float32)
    done, started, reported = 0, time.monotonic(), time.monotonic()
    for pixels in _batches(items, views, backbone.preprocess):
        encoded = backbone.encode_image(pixels)
        features[done : done + len(encoded)] = encoded.float().cpu().numpy()
        done += len(encoded)
        now = time.monotonic()
        if report and now - reported >= REPORT_EVERY:
            rate = done / (now - started)
            report(f"{label}: {rate:.0f} views/s, {(len(features) - done) / rate:.0f} s left")
            reported = now
    return features.reshape(len(items), len(views), -1)


def _batches(items: Sequence[Item], views: Sequence[int], preprocess: Preprocess) -> Iterator[Tensor]:
    """Batches of pixels ``(b, 3, H, W)``; the next pictures are decoded while the tower works on these."""
    per_batch = max(1, BATCH // len(views))
    groups = [items[start : start + per_batch] for start in range(0, len(items), per_batch)]

    def load(group: Sequence[Item]) -> Tensor:
        return torch.cat([_views_of(item, views, preprocess) for item in group])

    threads = max(1, min(4, len(os.sched_getaffinity(0))))
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        ahead = [pool.submit(load, group) for group in groups[: threads + 1]]
        for number in range(len(groups)):
            if number + threads + 1 < len(groups):
                ahead.append(pool.submit(load, groups[number + threads + 1]))
            yield from ahead.pop(0).result().split(BATCH)


def _views_of(item: Item, views: Sequence[int], preprocess: Preprocess) -> Tensor:
    image = decode(item.read(), item.source)
    return torch.stack([view(image, number, item.key, preprocess) for number in views])
