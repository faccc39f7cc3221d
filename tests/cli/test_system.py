"""What the system refuses is one line: an output on a full disk, a closed one, a folder in a file's place."""

import errno
import subprocess
import sys

import pytest

from nemesis_sweep.cli.system import condition
from nemesis_sweep.files.regular_file import NotRegularError

COMMAND = [sys.executable, "-m", "nemesis_sweep"]


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("verb", [["--help"], ["datasets"]], ids=str)
def test_an_output_on_a_full_disk_is_one_line(verb):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        answer = subprocess.run([*COMMAND, *verb], stdout=full, stderr=subprocess.PIPE, text=True)
    assert answer.returncode == 2
    assert lines(answer.stderr) == ["error: No space left on device"]


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2), (2,)], ids=str)
def test_what_is_closed_gets_no_other_files_number(closed, tmp_path):
    """A file that the process opens must not become its standard output."""
    before = "; ".join(f"os.close({number})" for number in closed)
    after = (
        "import nemesis_sweep.cli as cli; cli.stand_in_for_closed();"
        "file = open('told', 'w'); sys.stdout.write('x'); sys.stdout.flush(); sys.stderr.write('y');"
        "os.system('echo z; echo z >&2'); file.write(str(file.fileno()))"
    )
    program = f"import os, sys; {before}; sys.stdout = sys.stderr = None; {after}"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    assert int((tmp_path / "told").read_text()) > 2


def test_a_run_whose_output_is_closed_does_its_work(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "name: a\ntasks: {dataset: digits, shots: 1, replicates: 1}\nspace: {omega: {low: 0, high: 1}}\n"
        "search: {sampler: random, pruner: none}\nbudget: {trials: 1}\n"
    )
    command = f"{sys.executable} -m nemesis_sweep run a.yaml --simulate --home home >&-"
    answer = subprocess.run(["sh", "-c", command], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert (tmp_path / "home" / "simulated.parquet").is_file()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(errno.EACCES, "Not you", "/a\n"), r"/a\n: Not you"),
        (OSError(errno.EISDIR, "A folder", "/.a.tmp", None, "/a"), "/a: A folder"),
        (NotRegularError(errno.EINVAL, "a pipe, not a file", "/a"), "/a: a pipe, not a file"),
        (OSError(errno.EMFILE, "x"), "Too many open files"),
        (OSError(errno.EACCES, "x"), ""),
        (FileNotFoundError(errno.ENOENT, "x", "/a"), ""),
        (OSError("of a library"), ""),
    ],
    ids=str,
)
def test_a_line_for_what_is_the_machines(error, told):
    assert condition(error) == told


@pytest.mark.slow
def test_a_home_that_is_started_over_is_named_without_steering_the_terminal(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "name: a\ntasks: {dataset: digits, shots: 1, replicates: 1}\nspace: {omega: {low: 0, high: 1}}\n"
        "search: {sampler: random, pruner: none}\nbudget: {trials: 1}\n"
    )
    run = [*COMMAND, "run", "a.yaml", "--simulate", "--home", "h\x1b[31m"]
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
    answer = subprocess.run([*run, "--fresh"], cwd=tmp_path, capture_output=True, text=True)
    assert (answer.returncode, "\x1b" in answer.stdout) == (0, False)
    assert r"is kept in" in answer.stdout and r"h\u001b[31m.1" in answer.stdout
