"""Letters that the locale of a machine does not have: none ends a command."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COMMAND = str(Path(sys.executable).with_name("nemesis-sweep"))
NO_LETTERS = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""Python's encoding of file names and output is ASCII."""

SWEEP = """\
name: made
tasks: {dataset: ["FOLDER"], shots: 1, replicates: 1}
method: {epochs: 2, views: 1, n_ctx: 2}
space: {omega: {low: 0.1, high: 10, log: true}}
search: {sampler: random, pruner: none, baselines: [coop]}
budget: {trials: 1}
"""


def run(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [COMMAND, *arguments], cwd=cwd, env={**os.environ, **variables}, capture_output=True, timeout=150
    )


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder whose name, and a class of which, have letters that Latin-1 lacks."""
    folder = tmp_path / "haus ☃"
    for name in ("Größe", "Schnee ☃"):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            Image.fromarray(np.full((8, 8), number, np.uint8)).save(folder / name / f"{number}.png")
    return folder


@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        ({"PYTHONIOENCODING": "latin-1"}, b"haus \\u2603"),
        # Where there is ASCII alone, click takes UTF-8 for what is meant.
        ({"PYTHONIOENCODING": "ascii"}, "haus ☃".encode()),
        (NO_LETTERS, "haus ☃".encode()),
        ({"LC_ALL": "C.UTF-8"}, "haus ☃".encode()),
    ],
    ids=["latin-1", "ascii", "no letters", "utf-8"],
)
def test_a_letter_that_cannot_be_printed_is_escaped(images: Path, variables: dict, shown: bytes) -> None:
    sweep = images.parent / "made.yaml"
    sweep.write_text(SWEEP.replace("FOLDER", str(images)), encoding="utf-8")
    checked = run("datasets", "check", str(images), "--no-decode", cwd=images, **variables)
    assert (checked.returncode, shown in checked.stdout) == (0, True), checked
    valid = run("validate", str(sweep), cwd=images, **variables)
    assert (valid.returncode, valid.stderr) == (0, b"")
    assert shown in valid.stdout
    # The file is UTF-8 whatever the locale is, and so is what an override says.
    wrong = run("validate", str(sweep), "--set", "tasks.dataset=☃", cwd=images, **variables)
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert wrong.stderr.count(b"\n") == 1
    assert b"\\u2603" in wrong.stderr or "☃".encode() in wrong.stderr


@pytest.mark.parametrize(
    "name", ["two\nlines", "a\x1b[31mred", "back\x08\x08", os.fsdecode(b"h\xe9")], ids=repr
)
def test_a_file_name_cannot_break_the_line(tmp_path: Path, name: str) -> None:
    sweep = tmp_path / f"{name}.yaml"
    sweep.write_text(SWEEP.replace("FOLDER", "digits"), encoding="utf-8")
    good = run("validate", str(sweep), cwd=tmp_path)
    bad = run("validate", f"{sweep}x", "--set", f"method.words={name}", cwd=tmp_path)
    assert (good.returncode, good.stderr, bad.returncode, bad.stdout) == (0, b"", 2, b"")
    for line in (good.stdout.decode(), bad.stderr.decode()):
        assert line.endswith("\n")
        assert line[:-1].isprintable(), line


@pytest.mark.slow
def test_a_home_whose_name_has_a_line_break(tmp_path: Path) -> None:
    sweep = tmp_path / "made.yaml"
    sweep.write_text(SWEEP.replace("FOLDER", "digits"), encoding="utf-8")
    done = run("run", str(sweep), "--simulate", "--home", str(tmp_path / "a\nb"), cwd=tmp_path)
    assert (done.returncode, b"Simulated results" in done.stdout) == (0, True), done.stderr
    assert b"/a\\nb/simulated.parquet\n" in done.stdout


def test_a_home_whose_name_is_no_text(tmp_path: Path) -> None:
    sweep = tmp_path / "made.yaml"
    sweep.write_text(SWEEP.replace("FOLDER", "digits"), encoding="utf-8")
    refused = run("run", str(sweep), "--home", os.fsdecode(b"h\xe9"), cwd=tmp_path)
    assert refused.stderr == b"error: --home: not a name in UTF-8; found h\\udce9\n"
    assert refused.returncode == 2


@pytest.mark.cluster
def test_a_run_ends_well(images: Path) -> None:
    sweep = images.parent / "made.yaml"
    sweep.write_text(SWEEP.replace("FOLDER", str(images)), encoding="utf-8")
    done = run(
        "run", str(sweep), "--home", str(images.parent / "haus ☃ home"), cwd=images, PYTHONIOENCODING="ascii"
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr.decode()
    assert b"haus \\u2603 home/results.parquet" in done.stdout
