"""A home that an earlier version made goes on: nothing is trained again, and tasks are added to it."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nemesis_sweep
from nemesis_sweep.report.results import read_results
from tests.sweep.home.earlier import DIGITS, PHOTOS, unpacked

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def run(folder: Path, *more: str) -> str:
    command = [sys.executable, "-m", "nemesis_sweep", "run", "sweep.yaml", "--home", "per_task", *more]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def hashes(home: Path) -> dict[Path, str]:
    files = (path for path in home.glob("trials/*/*/*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_it_goes_on_and_takes_a_second_backbone(tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    home = folder / "per_task"
    before = hashes(home)
    assert "2 studies, 8 trials, 8 of them done before" in run(folder)
    # What is told of a winner may be added; what was there stays as it was.
    assert before.items() <= hashes(home).items()
    results = {(row.study, row.number) for row in read_results(home)}
    assert results == {
        (task, number) for task in (DIGITS, PHOTOS) for number in ("zero_shot", "coop", "0", "1")
    }
    icon_clip = Path(nemesis_sweep.__file__).parent / "embedded" / "icon-clip"
    shutil.copytree(icon_clip, folder / "models" / "my clip")
    told = run(folder, "--extend", "--set", "tasks.backbone=[icon-clip, './models/my clip']")
    assert "4 studies, 16 trials, 8 of them done before" in told
    assert {path: each for path, each in hashes(home).items() if path in before} == before
    studies = {row.study for row in read_results(home) if row.state == "COMPLETE"}
    assert studies == {DIGITS, PHOTOS, "digits-1shot-my-clip", "photos-1shot-my-clip"}
