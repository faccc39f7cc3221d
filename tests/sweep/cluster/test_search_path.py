"""Workers do not look for modules in the folder that the driver stands in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nemesis_sweep.sweep.cluster.search_path import workers_path

PACKAGE, BIN = Path(__file__).parents[3], str(Path(sys.executable).parent)


def test_folders_that_were_named_stay_and_the_current_one_goes(tmp_path):
    assert workers_path(f"/abs::.:src:./:{PACKAGE}", str(tmp_path)) == f"/abs:{tmp_path}/src:{PACKAGE}"
    assert workers_path("", str(tmp_path)) == ""


def test_a_package_that_is_found_nowhere_else_is_found(tmp_path):
    """`python -m nemesis_sweep` beside it, where it is not installed."""
    lines = (
        f"import sys; sys.path.insert(0, {str(PACKAGE)!r})",
        "import nemesis_sweep; from nemesis_sweep.sweep.cluster.search_path import workers_path",
        "from importlib.machinery import PathFinder; sys.meta_path[:] = [PathFinder]",
        f"sys.path[:] = [p for p in sys.path if 'site-packages' not in p or p == {str(PACKAGE)!r}]",
        f"print(workers_path('', {str(PACKAGE)!r}))",
    )
    line = [sys.executable, "-c", "\n".join(lines)]
    answer = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path, env={})
    assert answer.stdout.strip() == str(PACKAGE), answer.stderr


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ([shutil.which("nemesis-sweep", path=BIN)], f".:{PACKAGE}"),
        (["-m", "nemesis_sweep"], str(PACKAGE)),
    ],
)
def test_the_command_itself_takes_nothing_from_the_folder_it_is_given_in(tmp_path, line, named):
    for name in ("click", "statistics", "yaml", "pydantic", "mlflow"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken')")
    (tmp_path / "a.yaml").write_text(
        "name: a\ntasks: {backbone: icon-clip, dataset: digits, shots: 1}\nbudget: {trials: 0}\n"
    )
    env = {**os.environ, "PYTHONPATH": named}
    line = [sys.executable, *line, "validate", "a.yaml"]
    answer = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert answer.returncode == 0, answer.stderr


def test_a_current_folder_that_was_named_stays(tmp_path):
    lines = (
        "import sys; from nemesis_sweep.sweep.cluster.search_path import leave_current_folder_out",
        "leave_current_folder_out(); print(sys.path)",
    )
    for named, stays in ((f"{tmp_path}:{PACKAGE}", True), (f".:{PACKAGE}", False)):
        env = {**os.environ, "PYTHONPATH": named}
        line = [sys.executable, "-c", "\n".join(lines)]
        answer = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
        assert (str(tmp_path) in answer.stdout) == stays, answer
