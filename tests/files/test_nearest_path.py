"""A path that misses a letter, in any of its parts."""

from pathlib import Path

import pytest

from nemesis_sweep.files.nearest_path import nearest_path


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("sweeps/pna.yaml", "sweeps/pan.yaml"),
        ("sweps/pan.yaml", "sweeps/pan.yaml"),
        ("sweps/pna.yaml", "sweeps/pan.yaml"),
        ("sweeps/pan", "sweeps/pan.yaml"),
        ("sweeps/other.txt", ""),
        ("nothing/like/it", ""),
    ],
)
def test_a_sweep_file(tmp_path: Path, monkeypatch, given: str, meant: str) -> None:
    (tmp_path / "sweeps").mkdir()
    for name in ("pan.yaml", "panda.txt"):
        (tmp_path / "sweeps" / name).touch()
    monkeypatch.chdir(tmp_path)
    assert nearest_path(Path(given), (".yaml", ".yml")) == meant
    absolute = nearest_path(tmp_path / given, (".yaml", ".yml"))
    assert absolute == (str(tmp_path / meant) if meant else "")


def test_a_folder_and_what_cannot_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "birds" / "train").mkdir(parents=True)
    assert nearest_path(tmp_path / "brids") == str(tmp_path / "birds")
    assert nearest_path(tmp_path / "brids" / "train") == str(tmp_path / "birds" / "train")
    assert nearest_path(tmp_path / "brids" / "test") == ""
    assert nearest_path(Path("a\0b")) == ""
    assert nearest_path(Path("/proc/self/mem/x")) == ""
