"""Tables go between two marks and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from nemesis_sweep.bench.document import check_marks, put_between
from nemesis_sweep.messages.errors import UserError


def test_only_what_stands_between_the_marks_is_replaced(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("above\n<!-- goals -->\nold\n<!-- end of goals -->\nbelow\n")
    put_between(path, "goals", "| new |")
    put_between(path, "goals", "| newer |")
    assert path.read_text() == "above\n<!-- goals -->\n| newer |\n<!-- end of goals -->\nbelow\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "<!-- goals -->", "<!-- end of goals --> <!-- goals -->"])
def test_a_file_without_the_marks_stays_as_it_is(text, tmp_path):
    path = tmp_path / "page.md"
    path.write_text(text)
    with pytest.raises(UserError, match="marks"):
        put_between(path, "goals", "x")
    assert path.read_text() == text


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        put_between(tmp_path / "none.md", "goals", "x")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_what_is_no_text_is_not_read(tmp_path, content):
    path = Path("/dev/zero") if content is None else tmp_path / "page.md"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        check_marks(path, "goals")
