"""`make test-gpu` where there is no GPU: it says so and fails, rather than passing with nothing run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_without_a_gpu_it_says_so_and_fails():
    environment = Path(sys.executable).parents[1]
    # The environment that runs this test counts as made.
    command = ["make", "test-gpu", f"VENV={environment}", "-o", f"{environment}/.ready"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert answer.returncode != 0
    assert "make test-gpu: torch finds no GPU on this machine" in answer.stderr
    assert "passed" not in answer.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_tests_that_need_one_are_left_out_and_asked_for_alone_end_with_an_error():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    alone = subprocess.run(
        [*command, "-m", "gpu", "tests/gpu"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert alone.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "deselected" in alone.stdout
