"""The short look of `validate`: names and numbers of one's own data, bounded, nothing opened, no torch."""

import subprocess
import sys

import pytest

from nemesis_sweep.data.own import glance as module
from nemesis_sweep.data.own.glance import glance
from nemesis_sweep.messages.errors import UserError
from tests.data import own_data
from tests.data.test_class_folders import mine

OWN = {kind: make for kind, make in own_data.ALL.items() if not kind.startswith("torchvision")}


@pytest.mark.parametrize("kind", OWN)
def test_every_kind_is_counted_without_an_image(kind, tmp_path) -> None:
    path = tmp_path / OWN[kind](tmp_path)
    for image in tmp_path.rglob("*.jpg"):
        image.chmod(0)
    assert glance("x", path).counts in ("3 classes, 60 images", "3 classes, 48 images")


def test_what_a_run_would_refuse_is_refused(tmp_path) -> None:
    with pytest.raises(UserError, match="names of class folders are numbers; found 0"):
        glance("x", mine(tmp_path, "0", "cat"))


@pytest.mark.parametrize("files", [0, 3, 8, 30])
def test_no_more_than_so_many_files_are_looked_at_and_it_is_said(files, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "FILES", files)
    place = mine(tmp_path, "a", "b", "c", "d", count=10)
    (place / "e").mkdir()
    assert glance("x", place).notes[-1] == (
        f"only the first {files} files were looked at; `datasets check` looks at all"
    )


def test_what_was_seen_before_the_bound_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "FILES", 30)
    place = mine(tmp_path, "a/deeper", "b", "c", "d", count=10)
    assert glance("x", place).notes[0].endswith("belong to its class: a (10 in deeper)")
    (place / "aa").mkdir()
    with pytest.raises(UserError, match="class folders without images; found 'aa'"):
        glance("x", place)


def test_large_tables_are_not_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "CSV_BYTES", 100)
    monkeypatch.setattr(module, "ROWS", 10)
    for kind in ("csv", "parquet of bytes", "hugging face"):
        (tmp_path / kind).mkdir()
        name = own_data.ALL[kind](tmp_path / kind)
        (note,) = glance("x", tmp_path / kind / name).notes
        assert note.startswith("not looked at, for it has ")


@pytest.mark.parametrize("kind", ["class folders", "csv"])
def test_neither_torch_nor_pil_nor_arrow_is_imported_for_it(kind, tmp_path) -> None:
    name = own_data.ALL[kind](tmp_path)
    script = (
        "import sys\nfrom pathlib import Path\nfrom nemesis_sweep.data.own.glance import glance\n"
        f"glance('x', Path({str(tmp_path / name)!r}))\n"
        "sys.exit(bool({'torch', 'PIL', 'numpy', 'pyarrow'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0
