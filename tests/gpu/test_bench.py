"""`bench step --device cuda`."""

import json

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main

pytestmark = pytest.mark.gpu


def test_a_step_is_timed_and_its_memory_is_that_of_the_gpu():
    case = "--arch icon-clip --classes 6 --n-ctx 4 --batch 3 --repeats 3 --device cuda --json"
    result = CliRunner().invoke(main, ["bench", "step", *case.split()])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["machine"]["gpu"]
    assert figures["same_selection"] is True
    assert figures["max_gradient_difference"] < 1e-3
    for name in ("public", "plain", "ours"):
        assert figures[f"{name}_seconds"] > 0
        assert 0 < figures[f"{name}_peak_bytes"] < 2**30
