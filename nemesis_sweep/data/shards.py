"""Shards: Arrow IPC files that hold the features of some pictures, memory-mapped and checked."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

SUFFIX = ".arrow"
CHECKSUM = b"nemesis-sweep.sha256"


class BrokenShardError(Exception):
    """A file that is not a whole shard of ours: truncated, altered, or made by something else."""


@dataclass(frozen=True)
class Shard:
    """Picture keys and their features, ``(n, V, E)`` float32, read-only views into the mapped file."""

    path: Path
    keys: list[bytes]
    features: np.ndarray


def write_shard(folder: Path, keys: list[bytes], features: np.ndarray) -> Path:
    """Publish features ``(n, V, E)`` of the pictures ``keys`` (32 bytes each) in one atomic step."""
    count, views, width = features.shape
    values = np.ascontiguousarray(features, dtype=np.float32)
    digest = _checksum(keys, values)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), views * width)
    schema = pa.schema(
        [("key", pa.binary(32)), ("features", flat.type)],
        metadata={CHECKSUM: digest.encode(), b"views": str(views).encode(), b"width": str(width).encode()},
    )
    table = pa.Table.from_arrays([pa.array(keys, pa.binary(32)), flat], schema=schema)
    path = folder / f"{digest[:32]}{SUFFIX}"
    temporary = folder / f".{digest[:32]}.{os.getpid()}.tmp"
    with temporary.open("wb") as sink:
        with pa.ipc.new_file(sink, schema) as writer:
            writer.write_table(table, max_chunksize=max(count, 1))
        sink.flush()
        os.fsync(sink.fileno())
    temporary.replace(path)
    return path


def read_shard(path: Path) -> Shard:
    """Map a shard into memory and check it. Raises ``BrokenShardError`` when it is not whole or not ours."""
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
        metadata = table.schema.metadata or {}
        views, width = int(metadata[b"views"]), int(metadata[b"width"])
        keys = table.column("key").combine_chunks().to_pylist()
        lists = table.column("features").combine_chunks()
        features = lists.flatten().to_numpy(zero_copy_only=True).reshape(len(keys), views, width)
        expected = metadata[CHECKSUM].decode()
    except (pa.ArrowException, OSError, KeyError, ValueError, AttributeError) as error:
        raise BrokenShardError(f"{path}: {error}") from error
    if _checksum(keys, features) != expected:
        raise BrokenShardError(f"{path}: the checksum does not fit")
    return Shard(path=path, keys=keys, features=features)


def _checksum(keys: list[bytes], features: np.ndarray) -> str:
    digest = hashlib.sha256(str(features.shape).encode())
    digest.update(b"".join(keys))
    digest.update(features.data)
    return digest.hexdigest()
