"""The wheel, which is all that many have: the sweep files that ship are in it."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LARGE = ("__pycache__", "*.safetensors", "*.parquet", "pretrain-log.jsonl")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


@pytest.mark.slow
def test_the_wheel_writes_a_sweep_file_where_there_is_no_clone(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    clone, site, empty = tmp_path / "clone", tmp_path / "site", tmp_path / "empty"
    for name in ("nemesis_sweep", "search_spaces"):
        shutil.copytree(ROOT / name, clone / name, symlinks=True, ignore=shutil.ignore_patterns(*LARGE))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)], cwd=clone, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    empty.mkdir()
    line = f"import sys; sys.path.insert(0, {str(site)!r}); from nemesis_sweep.cli import main; main()"
    told = subprocess.run(
        [sys.executable, "-c", line, "init", "pun"], cwd=empty, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    written, shipped = ((folder / "pun.yaml").read_text() for folder in (empty, ROOT / "search_spaces"))
    assert written.partition("\nspace:")[2] == shipped.partition("\nspace:")[2]
    assert sorted(path.name for path in (site / "nemesis_sweep/search_spaces").iterdir()) == sorted(
        path.name for path in (ROOT / "search_spaces").iterdir()
    )
