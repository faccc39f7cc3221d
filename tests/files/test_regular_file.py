"""Files are read to a bound; what is no file is refused at once."""

import os
from pathlib import Path

import pytest

from nemesis_sweep.files.regular_file import NotRegularError, read_regular


def test_a_file_up_to_the_bound_is_read(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    assert read_regular(path, 1000) == b"x" * 1000
    with pytest.raises(NotRegularError, match="larger than 0 MB"):
        read_regular(path, 999)


def test_a_file_of_the_system_that_says_0_is_read_to_the_bound() -> None:
    assert read_regular(Path("/proc/self/status"), 10**6).startswith(b"Name:")
    with pytest.raises(NotRegularError):
        read_regular(Path("/proc/self/status"), 10)


@pytest.mark.parametrize(
    ("kind", "message"), [("zero", "a device"), ("pipe", "a pipe"), ("folder", "a folder")]
)
def test_what_is_no_file_is_refused(kind, message, tmp_path) -> None:
    path = tmp_path / "x"
    if kind == "zero":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(NotRegularError, match=f"{message}, not a file"):
        read_regular(path, 10)
