"""A sweep that is run once for all tests of the command line that need a finished one."""

import os
from pathlib import Path

import pytest

from tests.cli.real_sweep import SWEEP, run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep of three trials and the home where it ran undisturbed; a test may extend it."""
    folder = tmp_path_factory.mktemp("finished")
    file = folder / "short.yaml"
    file.write_text(SWEEP)
    os.environ["NEMESIS_SWEEP_CACHE"] = str(folder.parent / "features")
    answer = run(file, folder / "home")
    assert answer.returncode == 0, answer.stderr
    assert "best found" in answer.stdout
    assert "Traceback" not in answer.stdout + answer.stderr
    return folder
