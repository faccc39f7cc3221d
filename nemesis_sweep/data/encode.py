"""Pictures through the frozen image tower: decoded ahead, encoded in batches that fit memory."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.ahead import Decoders
from nemesis_sweep.data.decoding.images import UnusableError
from nemesis_sweep.data.meter import Meter
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.reads import PIXELS, POOLED, Reads
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.devices import to_device
from nemesis_sweep.vlm.gpu_errors import is_out_of_memory
from nemesis_sweep.vlm.pixels import normalised

MAX_BATCH = 128
BATCH_PIXELS = MAX_BATCH * 224 * 224
"""Pixels at a time: larger images go in smaller batches, so that the tower's memory stays the same."""

CPU_PIXELS = 32 * 224 * 224
"""The same on a CPU: what lies between the layers of a larger batch is too large to be used again, and a
ViT-B-32 is a sixth slower."""

PARTS = 4
"""Parts of a batch that are decoded by themselves, so that the tower need not wait long for its first."""


def encode_items(
    backbone: Backbone,
    items: Sequence[Item],
    views: Sequence[int],
    meter: Meter | None = None,
    *,
    reads: Reads = POOLED,
    decoders: Decoders | None = None,
    unusable: dict[int, UnusableError] | None = None,
) -> np.ndarray:
    """Features ``(n, V, E)`` float32 of the items under the given view numbers.

    reads: `patches` gives those of the parts of each image, ``(n, V, Q, E)``, `states-K` its tokens,
    `pixels` its bytes ``(n, V, H, H, 3)``, with zeros for NaN.
    decoders: those that work on several calls; by default, threads for this one. unusable: gets what is wrong
    with pictures that cannot be read, by their place; their features are NaN.

    Raises ``UserError`` with the source of a picture whose features are not finite, and without ``unusable``
    with that of the first that cannot be read.
    """
    shape = backbone.image_shape(reads)
    places = (len(items), len(views), *shape)
    as_bytes = reads == PIXELS
    features = np.zeros(places, np.uint8) if as_bytes else np.full(places, np.nan, dtype=np.float32)
    with nullcontext(decoders) if decoders else Decoders(backbone.preprocess, cpus()) as ahead:
        for group, taken, bad in _batches(items, views, backbone, ahead):
            if bad and unusable is None:
                place, error = min(bad.items())
                raise error.told(items[place].source) from error
            if unusable is not None:
                unusable |= bad
            rows = [place for place in group.places if place not in bad]
            if rows:
                encoded = taken if as_bytes else _encode(backbone, taken, reads).float().cpu()
                found = encoded.numpy().reshape(len(rows), len(group.columns), *shape)
                if not as_bytes:
                    _check_finite(found.reshape(*found.shape[:2], -1), rows, group, items, backbone)
                features[rows, group.columns.start : group.columns.stop] = found
            if meter:
                meter.add(len(group.places) * len(group.columns))
    return features


def cpus() -> int:
    """CPUs for decoding: as many as torch may use, which in a sweep are those of the trial."""
    return torch.get_num_threads()


def _encode(backbone: Backbone, taken: Tensor, reads: Reads) -> Tensor:
    """Encode a batch of bytes; in halves where an accelerator's memory is too small for it."""
    found = _tried(backbone, taken, reads)
    # Out here: the error would hold on to all that the failed pass has computed.
    return torch.cat([_encode(backbone, half, reads) for half in taken.chunk(2)]) if found is None else found


def _tried(backbone: Backbone, taken: Tensor, reads: Reads) -> Tensor | None:
    """Features of a batch; None where there is too little memory for it and it can be halved."""
    try:
        device = next(backbone.visual.parameters()).device
        return backbone.encode_image(normalised(to_device(taken, device), backbone.preprocess), reads)
    except RuntimeError as error:
        if len(taken) == 1 or not is_out_of_memory(error):
            raise
        return None


def _check_finite(
    found: np.ndarray, rows: Sequence[int], group: "_Group", items: Sequence[Item], backbone: Backbone
) -> None:
    """Refuse features ``(k, v, E)`` of a group's usable pictures that are NaN or infinite."""
    finite = np.isfinite(found)
    if finite.all():
        return
    row, column = (int(place) for place in np.argwhere(~finite.all(axis=2))[0])
    bad = f"{int((~finite[row, column]).sum())} of {found.shape[2]} values of view {group.columns[column]}"
    narrow = backbone.dtype_name == "float16"
    raise UserError(
        Problem(
            f"{backbone.name} gives features that are not finite for this picture",
            file=items[rows[row]].source,
            found=bad,
            allowed="finite numbers; try precision bf16 or fp32" if narrow else "finite numbers",
        )
    )


@dataclass(frozen=True)
class _Group:
    """What is encoded at once: places of items, and places of views."""

    places: range
    columns: range


def _groups(items: int, views: int, batch: int) -> Iterator[_Group]:
    """Pictures with all their views while a batch holds one; else a part of the views of one picture."""
    together = max(1, batch // views)
    for start in range(0, items, together):
        places = range(start, min(start + together, items))
        for column in range(0, views, batch):
            yield _Group(places, range(column, min(column + batch, views)))


def _batches(
    items: Sequence[Item], views: Sequence[int], backbone: Backbone, decoders: Decoders
) -> Iterator[tuple[_Group, Tensor, dict[int, UnusableError]]]:
    """Groups, bytes ``(b, H, W, 3)`` of what can be read of them, and what is wrong with the others."""
    on_cpu = next(backbone.visual.parameters()).device.type == "cpu"
    most = CPU_PIXELS if on_cpu else BATCH_PIXELS
    batch = min(MAX_BATCH, max(1, most // backbone.preprocess.image_size**2))
    groups = list(_groups(len(items), len(views), batch))
    parts = [(group, part) for group in groups for part in _parts(group.places)]
    asked = (
        ([items[place] for place in part], [views[column] for column in group.columns])
        for group, part in parts
    )
    decoded = decoders.ahead(asked, most=2 * PARTS + decoders.count)
    for group in groups:
        whole = [(part, next(decoded)) for part in _parts(group.places)]
        bad = {part[place]: error for part, found in whole for place, error in found.unusable.items()}
        taken = np.concatenate([found.pixels for _, found in whole])
        yield group, torch.from_numpy(taken).flatten(0, 1), bad


def _parts(places: range) -> list[range]:
    size = -(-len(places) // PARTS)
    return [places[start : start + size] for start in range(0, len(places), size)]
