"""Parquet files that are replaced in one step and read with the checksums that their pages carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.files.sealed import DamagedError


def write_table(path: Path, table: pa.Table) -> Path:
    """Replace a Parquet file in one step."""
    with replacing(path) as partial:
        pq.write_table(table, partial, compression="zstd", write_page_checksum=True)
    return path


def read_table(path: Path) -> pa.Table:
    """The table of a Parquet file. Raises ``DamagedError`` if it cannot be read, or was altered."""
    try:
        # `pq.read_table` would load datasets and pandas, half a second, for what one file has not.
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read()
    except FileNotFoundError as error:
        raise DamagedError(path, "is missing") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        # Arrow's errors are OSErrors where a file is damaged in its middle.
        raise DamagedError(path, f"is not a Parquet file or is damaged ({error})") from error


def numbers(column: pa.Array) -> np.ndarray:
    """The numbers of a column without gaps. Raises ``TypeError`` for one with gaps, and for other things.

    `column.to_numpy()` would load pandas, half a second, to learn that none of it is asked for.
    """
    return np.from_dlpack(column)
