"""Parquet files: what was written is read, what was altered is not, and nothing is loaded for it in vain."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from nemesis_sweep.files.parquet import numbers, read_table, write_table
from nemesis_sweep.files.sealed import DamagedError

TABLE = pa.table({"label": [3, 1, 2], "classes": [[1, 2], [], [3]]}, metadata={"about": "test"})


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = write_table(tmp_path / "table.parquet", TABLE)
    found = read_table(file)
    assert found.to_pylist() == TABLE.to_pylist()
    assert found.schema.metadata == TABLE.schema.metadata
    assert numbers(found["label"].combine_chunks()).tolist() == [3, 1, 2]
    assert [numbers(each.values).tolist() for each in found["classes"]] == [[1, 2], [], [3]]


def test_an_altered_file_is_told(tmp_path: Path) -> None:
    file = write_table(tmp_path / "table.parquet", pa.table({"label": np.arange(10_000)}))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)
    with pytest.raises(DamagedError, match="damaged"):
        read_table(file)


@pytest.mark.parametrize("column", [pa.array([1, None]), pa.array(["a"])])
def test_what_are_no_numbers_without_gaps_is_refused(column: pa.Array) -> None:
    with pytest.raises(TypeError):
        numbers(column)


def test_reading_loads_no_pandas(tmp_path: Path) -> None:
    file = write_table(tmp_path / "table.parquet", TABLE)
    program = """
import sys
from pathlib import Path
from nemesis_sweep.files.parquet import numbers, read_table
numbers(read_table(Path(sys.argv[1]))["label"].combine_chunks())
sys.exit("pandas" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program, str(file)], check=False).returncode == 0
