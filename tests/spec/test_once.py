"""A sweep file is read and checked once a load; a sweep that is built by hand is checked all the same."""

import pytest
from pydantic import ValidationError

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec import sections, sweep
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.names import known_names

TEXT = """
name: made
tasks: {dataset: digits}
space: {omega: {low: 0.1, high: 10}}
budget: {trials: 2}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "made.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("name", ["faults_between", "read_space"])
def test_a_load_does_it_once(file, monkeypatch, name):
    done = []
    real = getattr(sections, name)

    def counted(*arguments):
        done.append(name)
        return real(*arguments)

    for module in (sections, sweep):
        monkeypatch.setattr(module, name, counted)
    load_sweep(file, (), known_names())
    assert done == [name]


def test_a_sweep_built_by_hand_is_checked(file):
    whole = load_sweep(file).model_dump(exclude_unset=True)
    assert Sweep.model_validate(whole).space == load_sweep(file).space
    with pytest.raises(UserError, match="nothing to search"):
        Sweep.model_validate({**whole, "space": {}})
    with pytest.raises((UserError, ValidationError), match="unknown key"):
        Sweep.model_validate({**whole, "space": {"omegas": {"low": 1, "high": 2}}})
