"""Shards: Arrow IPC files that hold the features of some pictures, memory-mapped and checked."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from nemesis_sweep.files.atomic import replacing

PATTERN = "[0-9a-f]" * 32 + ".arrow"
LEFTOVERS = "." + "[0-9a-f]" * 32 + ".*.tmp"
"""What a writer that was killed leaves behind."""

CHECKSUM, IDENTITY = b"nemesis-sweep.sha256", b"nemesis-sweep.identity"


class BrokenShardError(Exception):
    """A file that is not a whole shard of this folder: truncated, altered, or made by something else."""


@dataclass(frozen=True, eq=False)
class Shard:
    """Picture keys and their features, ``(n, V, E)`` float32 or bytes, views into the mapped file."""

    path: Path
    identity: str
    keys: list[bytes]
    features: np.ndarray
    checksum: str

    def check(self) -> None:
        """Read all of it. Raises ``BrokenShardError`` when the content is not what was written."""
        if _checksum(self.identity, self.keys, self.features) != self.checksum:
            raise BrokenShardError(f"{self.path}: the checksum does not fit")


def write_shard(folder: Path, identity: str, keys: list[bytes], features: np.ndarray) -> Path:
    """Publish features ``(n, V, E)`` of the pictures ``keys`` (32 bytes each) in one atomic step."""
    count, views, width = features.shape
    values = np.ascontiguousarray(features, dtype=None if features.dtype == np.uint8 else np.float32)
    digest = _checksum(identity, keys, values)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), views * width)
    metadata = {CHECKSUM: digest, IDENTITY: identity, b"views": str(views), b"width": str(width)}
    schema = pa.schema([("key", pa.binary(32)), ("features", flat.type)], metadata=metadata)
    table = pa.Table.from_arrays([pa.array(keys, pa.binary(32)), flat], schema=schema)
    path = folder / f"{digest[:32]}.arrow"
    with (
        replacing(path) as temporary,
        temporary.open("wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        writer.write_table(table, max_chunksize=max(count, 1))
    return path


def open_shard(path: Path, identity: str) -> Shard:
    """Map a shard into memory, its features unread until :meth:`Shard.check`.

    Raises ``BrokenShardError`` when the file is truncated, not a shard, or of another store.
    """
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
        table.validate()
        metadata = table.schema.metadata or {}
        views, width = int(metadata[b"views"]), int(metadata[b"width"])
        keys = table.column("key").combine_chunks().to_pylist()
        lists = table.column("features").combine_chunks()
        features = lists.flatten().to_numpy(zero_copy_only=True).reshape(len(keys), views, width)
        found, checksum = metadata[IDENTITY].decode(), metadata[CHECKSUM].decode()
    except (pa.ArrowException, OSError, KeyError, ValueError, AttributeError) as error:
        raise BrokenShardError(f"{path}: {error}") from error
    if found != identity:
        raise BrokenShardError(f"{path}: belongs to another store")
    if features.dtype not in (np.float32, np.uint8) or not all(
        isinstance(key, bytes) and len(key) == 32 for key in keys
    ):
        raise BrokenShardError(f"{path}: not features by picture")
    return Shard(path, identity, keys, features, checksum)


def read_shard(path: Path, identity: str) -> Shard:
    """Map a shard and check all of it. Raises ``BrokenShardError`` when it is not whole or not ours."""
    shard = open_shard(path, identity)
    shard.check()
    return shard


def _checksum(identity: str, keys: list[bytes], features: np.ndarray) -> str:
    digest = hashlib.sha256(f"{identity}{features.shape}".encode())
    digest.update(b"".join(keys))
    digest.update(features.data)
    return digest.hexdigest()
