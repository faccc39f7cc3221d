"""Homes that a version before `tasks.json` made, when a task was called by all that tells it apart.

`earlier.tar.gz` holds the sweep file, its dataset `./photos`, and the homes that `run` left: `per_task`,
`joint` (with `--set search.study=joint`) and `simulated`, without Ray's files and MLflow's database.
"""

import tarfile
from pathlib import Path

PHOTOS, DIGITS = "photos-bd92f2e2-1shot-few_shot-icon-clip", "digits-1shot-few_shot-icon-clip"


def unpacked(folder: Path) -> Path:
    with tarfile.open(Path(__file__).with_suffix(".tar.gz")) as archive:
        archive.extractall(folder, filter="data")
    return folder
