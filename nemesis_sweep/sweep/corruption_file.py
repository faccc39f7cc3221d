"""What corrupting a trial's prompt gave: `corruption.parquet` beside its result, read without torch.

A row for each split, operation, seed, position and strength, and one of each split and seed for the prompt
as it was learnt (`original`); ``right`` has a bit for each image. As on predictions, nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nemesis_sweep.files.parquet import read_table, write_table
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.training.corrupted import Corrupted, shares

FILE = "corruption.parquet"
ORIGINAL = "original"
KEYS = ("split", "operation", "seed", "position", "strength")
SCHEMA = pa.schema(
    [
        ("split", pa.string()),
        ("operation", pa.string()),
        ("seed", pa.int64()),
        ("position", pa.int32()),
        ("strength", pa.float64()),
        ("norm", pa.float32()),
        ("norm_after", pa.float32()),
        ("images", pa.int64()),
        ("accuracy", pa.float64()),
        ("won", pa.int64()),
        ("lost", pa.int64()),
        ("low_norm", pa.bool_()),
        ("right", pa.binary()),
    ]
)

Corruptions = Mapping[str, Sequence[Corrupted]]
"""By split, one of each operation."""


def write_corruption(folder: Path, found: Corruptions) -> Path:
    """Keep what corruption gave; the file."""
    rows = [row for split, each in found.items() for row in _rows(split, each)]
    return write_table(folder / FILE, pa.Table.from_pylist(rows, SCHEMA))


def original_rows(split: str, grid: Corrupted) -> list[dict[str, Any]]:
    """A row of each seed for the prompt as it was learnt."""
    known = {"split": split, "operation": ORIGINAL, "images": grid.before.shape[-1]}
    accuracies = (100 * grid.before.mean(axis=-1)).tolist()
    return [
        {**known, "seed": seed, "accuracy": own} for seed, own in zip(grid.seeds, accuracies, strict=True)
    ]


def cell_rows(split: str, grid: Corrupted) -> list[dict[str, Any]]:
    """A row of each seed, position and strength, in the order of ``np.ndindex``; without its images."""
    accuracy, low_norm = grid.accuracy, grid.low_norm
    return [
        {
            "split": split,
            "operation": grid.operation,
            "seed": grid.seeds[place[0]],
            "position": grid.positions[place[1]],
            "strength": grid.strengths[place[2]],
            "norm": float(grid.norms[place[:2]]),
            "norm_after": float(grid.after[place]),
            "images": grid.before.shape[-1],
            "accuracy": float(accuracy[place]),
            "won": int(grid.won[place]),
            "lost": int(grid.lost[place]),
            "low_norm": bool(low_norm[place]),
        }
        for place in np.ndindex(grid.after.shape)
    ]


def _rows(split: str, found: Sequence[Corrupted]) -> Iterator[dict[str, Any]]:
    kept = [(original_rows(split, found[0]), found[0].before)]
    kept += [(cell_rows(split, each), each.right) for each in found]
    for rows, right in kept:
        images = right.reshape(-1, right.shape[-1])
        for row, own in zip(rows, images, strict=True):
            yield {**row, "right": np.packbits(own).tobytes()}


def read_corruption(folder: Path) -> dict[str, list[Corrupted]]:
    """What :func:`write_corruption` kept. Raises ``DamagedError``."""
    path = folder / FILE
    table = read_table(path)
    try:
        columns = {name: table[name].to_pylist() for name in (*KEYS, "norm", "norm_after", "images", "right")}
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in rows:
            groups.setdefault((row["split"], row["operation"]), []).append(row)
        found: dict[str, list[Corrupted]] = {}
        for (split, operation), own in groups.items():
            if operation != ORIGINAL:
                before = np.stack([_bits(row) for row in groups[split, ORIGINAL]])
                found.setdefault(split, []).append(_corrupted(operation, own, before))
        return found
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DamagedError(path, f"holds no corruption of a prompt ({error!r})") from error


def _corrupted(operation: str, rows: Sequence[Mapping[str, Any]], before: np.ndarray) -> Corrupted:
    """Of rows in the order of :func:`_rows`."""
    seeds, positions, strengths = (
        tuple(dict.fromkeys(row[name] for row in rows)) for name in ("seed", "position", "strength")
    )
    shape = len(seeds), len(positions), len(strengths)
    norms = np.array([row["norm"] for row in rows], dtype=np.float32).reshape(shape)
    after = np.array([row["norm_after"] for row in rows], dtype=np.float32).reshape(shape)
    right = np.stack([_bits(row) for row in rows]).reshape(*shape, -1)
    return Corrupted(operation, strengths, positions, seeds, before, right, norms[:, :, 0], after)


def _bits(row: Mapping[str, Any]) -> np.ndarray:
    return np.unpackbits(np.frombuffer(row["right"], dtype=np.uint8), count=row["images"]).astype(bool)


def frequencies(found: Corruptions) -> dict[str, float]:
    """How often the Low-Norm Effect is there, in percent, mean over replicates, by names for MLflow:
    `corrupt/test/rescale/low_norm_pairs` and `.._positions`; none where nothing lowers a norm."""
    told: dict[str, float] = {}
    for split, several in found.items():
        for each in several:
            for kind, values in zip(("pairs", "positions"), shares(each.low_norm, each.lowered), strict=True):
                if np.isfinite(values).all():
                    told[f"corrupt/{split}/{each.operation}/low_norm_{kind}"] = float(values.mean())
    return told
