"""A trial that is trained again from its record: the same numbers, whatever it was; and what else differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nemesis_sweep.files.sealed import read_object, write_sealed
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.replay.replay import replay
from tests.trained_home import make_home

SWEEP = """
name: made
tasks: {dataset: digits, shots: 1, replicates: 2}
method: {beta: 0, epochs: 3, views: 1, n_ctx: 2}
space: {omega: {low: 0.1, high: 100, log: true}}
search:
  eval_every: 1
  pruner: "optuna.pruners:ThresholdPruner"
  pruner_options: {lower: 101, n_warmup_steps: 2}
  baselines: [zero_shot, coop, linear_probe]
budget: {trials: 1}
"""
JOINT = """
name: made
tasks: {dataset: digits, shots: [1, 2], protocol: base_to_new, replicates: 1}
method: {beta: 1, epochs: 1, views: 1, n_ctx: 2}
space: {omega: {low: 0.1, high: 100, log: true}}
search: {study: joint, eval_every: 1, pruner: none, baselines: [zero_shot]}
budget: {trials: 1}
"""


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def home(tmp_path_factory, patch) -> Home:
    return Home(make_home(tmp_path_factory.mktemp("per_task"), patch, SWEEP))


@pytest.fixture(scope="module")
def joint(tmp_path_factory, patch) -> Home:
    return Home(make_home(tmp_path_factory.mktemp("joint"), patch, JOINT))


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def test_a_row_comes_to_the_same_and_nothing_is_written(home) -> None:
    before = state_of(home.path)
    found = replay(home, "digits-1shot/coop")
    assert found.same
    assert {(each.metric, each.seed) for each in found.ends} >= {("test/accuracy", 1), ("test/accuracy", 2)}
    assert ("train/loss", 3) in {(each.metric, each.epoch) for each in found.epochs}
    assert found.learnt == {"digits-1shot": True}
    assert state_of(home.path) == before


@pytest.mark.parametrize("row", ["zero_shot", "linear_probe"])
def test_rows_without_a_prompt_too(home, row) -> None:
    found = replay(home, f"digits-1shot/{row}")
    assert found.same
    assert found.learnt == ({} if row == "zero_shot" else {"digits-1shot": True})


def test_a_pruned_trial_is_compared_up_to_where_it_ended(home) -> None:
    found = replay(home, "digits-1shot/0")
    assert (found.state, found.last, found.ends) == ("PRUNED", 2, ())
    assert max(each.epoch for each in found.epochs) == 2
    assert found.same


def test_a_joint_trial_is_compared_task_by_task(joint) -> None:
    found = replay(joint, "joint/0")
    assert found.same
    metrics = {(each.task, each.metric) for each in found.ends}
    assert metrics >= {(task, f"test/{of}") for task in found.learnt for of in ("base", "new")}
    assert len(found.learnt) == 2


def test_what_differs_is_told_with_its_reasons(joint) -> None:
    folder = joint.path / "trials" / "joint" / "0"
    (file, *_) = folder.glob("*/result.json")
    whole, versions = read_object(file), joint.path / "environment.json"
    environment = read_object(versions)
    altered = json.loads(json.dumps(whole))
    altered["replicates"]["test/base"][0] += 1.5
    old = {**environment, "packages": {**environment["packages"], "torch": "1.0"}}
    try:
        write_sealed(file, altered)
        write_sealed(versions, old)
        found = replay(joint, "joint/0")
    finally:
        write_sealed(file, whole)
        write_sealed(versions, environment)
    assert not found.same
    assert [(each.metric, each.difference) for each in found.compared if not each.same] == [
        ("test/base", pytest.approx(-1.5))
    ]
    assert any(line.startswith("torch 1.0 then, ") for line in found.reasons)


def test_a_name_of_no_trial_is_refused(home) -> None:
    with pytest.raises(UserError, match=r"no such trial; found digits-1shot/zero_shots; .*Did you mean"):
        replay(home, "digits-1shot/zero_shots")
