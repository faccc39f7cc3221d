"""The current folder is gone: absolute paths still do, relative ones are refused in one line."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).with_name("nemesis-sweep"))
SWEEP = """\
name: made
tasks: {dataset: digits, shots: 1, replicates: 1}
method: {epochs: 2, views: 1, n_ctx: 2}
space: {omega: {low: 0.1, high: 10, log: true}}
search: {sampler: random, pruner: none, baselines: [coop]}
budget: {trials: 1}
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    path = tmp_path / "made.yaml"
    path.write_text(SWEEP, encoding="utf-8")
    return path


def from_nowhere(tmp_path: Path, *arguments: object, anew: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder that was deleted, and perhaps made anew since."""
    gone = tmp_path / "gone"
    gone.mkdir()
    words = shlex.join([COMMAND, *map(str, arguments)])
    script = f"cd {gone} && rm -r {gone} {f'&& cp -r {tmp_path}/again {gone}' if anew else ''} && {words}"
    return subprocess.run(["bash", "-c", script], capture_output=True, encoding="utf-8", timeout=150)


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "SWEEP"],
        ["plan", "SWEEP"],
        ["datasets"],
        ["datasets", "check", "digits", "--no-decode"],
        ["cache", "ls"],
        # It loads torch, whose MKL looks for the current folder.
        ["backbones", "--check", "icon-clip"],
    ],
    ids=" ".join,
)
def test_absolute_paths_do(tmp_path: Path, sweep: Path, arguments: list[str]) -> None:
    result = from_nowhere(tmp_path, *(sweep if word == "SWEEP" else word for word in arguments))
    assert (result.returncode, "error" in result.stderr) == (0, False), result.stderr
    assert result.stdout


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["validate", "made.yaml"], "made.yaml"),
        (["run", "SWEEP"], "sweeps/made"),
        (["run", "SWEEP", "--home", "here"], "here"),
        (["status"], "sweeps"),
        (["validate", "SWEEP", "--set", "tasks.backbone=./model"], '"./model"'),
        (["datasets", "--root", "data"], "data"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_relative_paths_are_refused(tmp_path: Path, sweep: Path, arguments: list[str], found: str) -> None:
    result = from_nowhere(tmp_path, *(sweep if word == "SWEEP" else word for word in arguments))
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.stderr
    assert f"the current folder is gone, so a relative path leads nowhere; found {found};" in result.stderr


def test_data_of_ones_own_is_looked_for_where_the_folder_was(tmp_path: Path) -> None:
    result = from_nowhere(tmp_path, "datasets", "check", "./birds")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert f"found {tmp_path / 'gone' / 'birds'}" in result.stderr


def test_a_folder_that_was_made_anew_is_gone_back_to(tmp_path: Path, sweep: Path) -> None:
    (tmp_path / "again").mkdir()
    sweep.rename(tmp_path / "again" / "made.yaml")
    result = from_nowhere(tmp_path, "validate", "made.yaml", anew=True)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.cluster
def test_a_run_from_nowhere(tmp_path: Path, sweep: Path) -> None:
    result = from_nowhere(tmp_path, "run", sweep, "--home", tmp_path / "home")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "home" / "results.parquet").is_file()
