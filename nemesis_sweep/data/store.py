"""The feature store: every (picture, view set, encoder) is encoded once, by one process, for everybody."""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.encode import encode_items
from nemesis_sweep.data.shards import SUFFIX, BrokenShardError, Shard, read_shard, write_shard
from nemesis_sweep.data.views import CENTRE
from nemesis_sweep.vlm.backbone import Backbone

SHARD_VIEWS = 16384
"""A shard is published after about so many encoded views, so that a killed encoding resumes there."""

Report = Callable[[str], None]


def default_root() -> Path:
    """``$NEMESIS_SWEEP_CACHE``, or a folder in the user's cache directory."""
    given = os.environ.get("NEMESIS_SWEEP_CACHE")
    if given:
        return Path(given).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "nemesis-sweep" / "features"


def view_numbers(views: int) -> list[int]:
    """The numbers of a view set: one view is the centre crop, more are augmented."""
    return [CENTRE] if views == 1 else list(range(views))


class FeatureStore:
    """Features of pictures under one encoder and one view set, in a folder named by their identity."""

    def __init__(self, backbone: Backbone, views: int, root: Path | None = None) -> None:
        self.backbone = backbone
        self.views = views
        about = {
            "backbone": backbone.name,
            "fingerprint": backbone.fingerprint,
            "preprocess": asdict(backbone.preprocess),
            "views": views,
        }
        identity = json.dumps({k: v for k, v in about.items() if k != "backbone"}, sort_keys=True)
        digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self.folder = (root or default_root()) / f"{_slug(backbone.name)}-{views}v-{digest}"
        self.folder.mkdir(parents=True, exist_ok=True)
        _write_json(self.folder / "about.json", about)
        self._shards: dict[Path, Shard] = {}
        self._rows: dict[bytes, tuple[Path, int]] = {}

    def features(self, items: Sequence[Item], report: Report | None = None) -> Tensor:
        """Features of the items in their order, ``(n, V, E)`` float32, L2-normalised.

        What is missing is encoded first, by this process or by the one that is already at it.
        When the items are neighbours in one file the result is a view into the file: do not write to it.
        """
        keys = [bytes.fromhex(item.key) for item in items]
        self._refresh()
        if any(key not in self._rows for key in keys):
            with self._one_writer(report):
                self._refresh()
                self._encode_missing(items, keys, report)
        return self._gather(keys)

    def _encode_missing(self, items: Sequence[Item], keys: Sequence[bytes], report: Report | None) -> None:
        missing = {key: item for key, item in zip(keys, items, strict=True) if key not in self._rows}
        chunk = max(1, SHARD_VIEWS // self.views)
        todo = list(missing.items())
        for start in range(0, len(todo), chunk):
            part = todo[start : start + chunk]
            label = f"encoding {start + len(part)}/{len(todo)} pictures x {self.views} views"
            features = encode_items(
                self.backbone, [item for _, item in part], view_numbers(self.views), report, label
            )
            self._add(read_shard(write_shard(self.folder, [key for key, _ in part], features)))

    def _gather(self, keys: Sequence[bytes]) -> Tensor:
        places = [self._rows[key] for key in keys]
        paths = {path for path, _ in places}
        if len(paths) == 1:
            rows = [row for _, row in places]
            features = self._shards[paths.pop()].features
            if rows == list(range(rows[0], rows[0] + len(rows))):
                return from_dlpack(features[rows[0] : rows[0] + len(rows)])
            return torch.from_numpy(features[rows])
        return torch.from_numpy(np.stack([self._shards[path].features[row] for path, row in places]))

    def _refresh(self) -> None:
        """Take in the shards that others have published; a broken one is put away, to be encoded anew."""
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            if path in self._shards:
                continue
            try:
                self._add(read_shard(path))
            except BrokenShardError:
                path.unlink(missing_ok=True)

    def _add(self, shard: Shard) -> None:
        self._shards[shard.path] = shard
        for row, key in enumerate(shard.keys):
            self._rows.setdefault(key, (shard.path, row))

    @contextmanager
    def _one_writer(self, report: Report | None) -> Iterator[None]:
        """Hold the folder's lock; the kernel lets go of it when a process dies."""
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if report:
                    report("another process is encoding these pictures; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "-" for c in name).strip("-")[:60]


def _write_json(path: Path, value: dict) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")
    temporary.replace(path)
