"""The feature store: every (picture, view set, encoder) is encoded once, by one process, for everybody."""

import time
from collections.abc import Collection, Sequence
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.ahead import Decoders
from nemesis_sweep.data.decoding.images import UnusableError, cannot_read
from nemesis_sweep.data.encode import cpus, encode_items
from nemesis_sweep.data.folder import About, default_root, mark_used, try_lock, unwritable, write_about
from nemesis_sweep.data.meter import REPORT_EVERY, Meter, SayLine
from nemesis_sweep.data.shards import (
    LEFTOVERS,
    PATTERN,
    BrokenShardError,
    Shard,
    open_shard,
    read_shard,
    write_shard,
)
from nemesis_sweep.data.views import CENTRE
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.reads import POOLED, READS, STATES, Reads, is_read, number_bytes
from nemesis_sweep.vlm.backbone import Backbone

SHARD_VIEWS = 16384
"""A shard is published after about so many encoded views: where a killed encoding goes on, and what it
holds in memory, ``SHARD_VIEWS * E`` numbers."""

POLL = 0.2
"""Seconds between two looks at what another process has published."""


def view_numbers(views: int) -> list[int]:
    """The numbers of a view set: one view is the centre crop, more are augmented."""
    return [CENTRE] if views == 1 else list(range(views))


class FeatureStore:
    """Features of pictures under one encoder and one view set, in a folder named by their identity.

    reads: features of whole images, ``(E,)``, or with `patches` of their parts, ``(Q, E)``, or with
    `states-K` their tokens before the last K blocks, ``(Q, W)``, not normalised, or with `pixels` their
    bytes, ``(H, H, 3)``.
    Raises ``UserError`` when the folder cannot be made, for no number of views, and for a tower that has no
    such features.
    """

    def __init__(
        self,
        backbone: Backbone,
        views: int,
        root: Path | None = None,
        reads: Reads = POOLED,
    ) -> None:
        if type(views) is not int or views < 1:
            raise UserError(
                Problem("not a number of views", "views", found=repr(views), allowed="a whole number >= 1")
            )
        if not is_read(reads):
            raise UserError(
                Problem(
                    "no such features", "reads", found=repr(reads), allowed=listed([*READS, f"{STATES}-2"])
                )
            )
        self.backbone = backbone
        self.views = views
        self.reads: Reads = reads
        self.shape = backbone.image_shape(reads)
        self._dtype: type[np.generic] = np.uint8 if number_bytes(reads) == 1 else np.float32
        self.about = _about(backbone, views, reads)
        self.folder = (root or default_root()) / self.about.folder
        write_about(self.folder, self.about)
        self._shards: dict[Path, Shard] = {}
        self._checked: set[Path] = set()
        self._rows: dict[bytes, tuple[Path, int]] = {}

    def features(self, items: Sequence[Item], report: SayLine | None = None) -> Tensor:
        """Features of the items in their order, ``(n, V, E)`` or ``(n, V, Q, E)`` float32, as ``reads`` says;
        pixels are bytes.

        What is missing is encoded first, by this process or by the one that is already at it; ``report``
        gets lines about either. When the items are neighbours in one file the result is a view into the
        file: do not write to it.

        Raises ``UserError`` with the source of a picture that cannot be read or encoded.
        """
        if not items:
            return torch.from_numpy(np.empty((0, self.views, *self.shape), dtype=self._dtype))
        keys = [_key(item) for item in items]
        self._complete(items, keys, report, None)
        return self._gather(keys).unflatten(2, self.shape)

    def fill(self, items: Sequence[Item], report: SayLine | None = None) -> dict[int, UnusableError]:
        """Encode what is missing, and give what is wrong with pictures that cannot be read, by their place.

        So the pictures of a dataset are encoded and looked at in one, each decoded once.
        """
        keys: dict[int, bytes] = {}
        unusable: dict[int, UnusableError] = {}
        for place, item in enumerate(items):
            try:
                keys[place] = bytes.fromhex(item.key)
            except OSError as error:
                unusable[place] = cannot_read(error)
        found: dict[bytes, UnusableError] = {}
        self._complete([items[place] for place in keys], list(keys.values()), report, found)
        return unusable | {place: found[key] for place, key in keys.items() if key in found}

    def _complete(
        self,
        items: Sequence[Item],
        keys: Sequence[bytes],
        report: SayLine | None,
        unusable: dict[bytes, UnusableError] | None,
    ) -> None:
        """Encode what is missing, or wait for who is at it. unusable: gets pictures that cannot be read."""
        mark_used(self.folder)
        self._refresh()
        told = float("-inf")
        while missing := self._missing(set(keys) - set(unusable or ())):
            # Again: the folder may have been pruned since.
            write_about(self.folder, self.about)
            with try_lock(self.folder) as mine:
                if mine:
                    self._clean()
                    self._encode(items, keys, report, unusable)
                    continue
            if report and time.monotonic() - told >= REPORT_EVERY:
                pictures = counted(len(set(keys)), "picture")
                report(f"another process is encoding: waiting for {missing} of {pictures}")
                told = time.monotonic()
            time.sleep(POLL)
            self._refresh()

    def _encode(
        self,
        items: Sequence[Item],
        keys: Sequence[bytes],
        report: SayLine | None,
        unusable: dict[bytes, UnusableError] | None,
    ) -> None:
        """Encode what is missing and publish it shard by shard. Only for the holder of the lock."""
        todo = [
            (key, item)
            for key, item in dict(zip(keys, items, strict=True)).items()
            if key not in self._rows and key not in (unusable or ())
        ]
        if not todo:
            return
        work = f"{counted(len(todo), 'picture')} x {counted(self.views, 'view')}"
        label = f"encoding {work} with {self.backbone.name}"
        meter = Meter(len(todo) * self.views, label, report)
        numbers = SHARD_VIEWS * self.backbone.embed_dim * 4 // number_bytes(self.reads)
        chunk = max(1, numbers // prod(self.shape) // self.views)
        with Decoders(self.backbone.preprocess, cpus()) as decoders:
            for start in range(0, len(todo), chunk):
                part = todo[start : start + chunk]
                bad: dict[int, UnusableError] = {}
                features = encode_items(
                    self.backbone,
                    [item for _, item in part],
                    view_numbers(self.views),
                    meter,
                    reads=self.reads,
                    decoders=decoders,
                    unusable=None if unusable is None else bad,
                )
                features = features.reshape(len(part), self.views, -1)
                good = [place for place in range(len(part)) if place not in bad]
                if unusable is not None:
                    unusable |= {part[place][0]: error for place, error in bad.items()}
                if good:
                    self._publish([part[place][0] for place in good], features[good] if bad else features)

    def _publish(self, keys: list[bytes], features: np.ndarray) -> None:
        try:
            path = write_shard(self.folder, self.about.identity, keys, features)
        except OSError as error:
            raise unwritable(self.folder, error) from error
        self._add(read_shard(path, self.about.identity))
        self._checked.add(path)

    def _gather(self, keys: Sequence[bytes]) -> Tensor:
        places = [self._rows[key] for key in keys]
        paths = {path for path, _ in places}
        rows = np.array([row for _, row in places])
        if len(paths) == 1:
            features = self._shards[paths.pop()].features
            if np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
                return from_dlpack(features[rows[0] : rows[0] + len(rows)])
            return torch.from_numpy(features[rows])
        gathered = np.empty((len(keys), self.views, prod(self.shape)), dtype=self._dtype)
        for path in paths:
            here = np.array([place[0] == path for place in places])
            gathered[here] = self._shards[path].features[rows[here]]
        return torch.from_numpy(gathered)

    def _missing(self, wanted: Collection[bytes]) -> int:
        """How many pictures have no features yet; a shard is read and checked before its first use."""
        for path in {self._rows[key][0] for key in wanted if key in self._rows} - self._checked:
            try:
                self._shards[path].check()
                self._checked.add(path)
            except BrokenShardError:
                self._forget(path)
        return sum(key not in self._rows for key in wanted)

    def _refresh(self) -> None:
        """Take in the shards that others have published. Broken ones are left for :meth:`_clean`."""
        for path in sorted(self.folder.glob(PATTERN)):
            if path not in self._shards:
                try:
                    self._add(open_shard(path, self.about.identity))
                except BrokenShardError:
                    continue

    def _clean(self) -> None:
        """Remove broken shards and what killed writers left. Only for the holder of the lock."""
        for path in self.folder.glob(LEFTOVERS):
            path.unlink(missing_ok=True)
        for path in sorted(set(self.folder.glob(PATTERN)) - self._checked):
            try:
                self._add(read_shard(path, self.about.identity))
                self._checked.add(path)
            except BrokenShardError:
                path.unlink(missing_ok=True)
                self._forget(path)

    def _add(self, shard: Shard) -> None:
        self._shards[shard.path] = shard
        for row, key in enumerate(shard.keys):
            self._rows.setdefault(key, (shard.path, row))

    def _forget(self, path: Path) -> None:
        self._shards.pop(path, None)
        self._rows = {}
        for shard in self._shards.values():
            self._add(shard)


def missing_pictures(
    backbone: Backbone,
    views: int,
    items: Sequence[Item],
    root: Path | None = None,
    reads: Reads = POOLED,
) -> set[bytes]:
    """Keys of the pictures that have no features yet, as far as the files' tables say. Nothing is written."""
    about = _about(backbone, views, reads)
    missing = {_key(item) for item in items}
    for path in sorted(((root or default_root()) / about.folder).glob(PATTERN)):
        try:
            missing.difference_update(open_shard(path, about.identity).keys)
        except BrokenShardError:
            continue
    return missing


def _about(backbone: Backbone, views: int, reads: Reads) -> About:
    return About(
        backbone=backbone.name,
        fingerprint=backbone.fingerprint,
        preprocess=backbone.preprocess.facts(),
        views=views,
        dtype=backbone.dtype_name,
        reads=reads,
    )


def _key(item: Item) -> bytes:
    try:
        return bytes.fromhex(item.key)
    except OSError as error:
        raise UserError(Problem(f"cannot read this picture: {error.strerror}", file=item.source)) from error
