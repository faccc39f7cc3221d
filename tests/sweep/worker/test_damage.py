"""Damaged records of a trial: nothing of them is believed, the trial is trained again, and it is said."""

import json
import os
import shutil
from dataclasses import replace

import pytest
from optuna.storages import InMemoryStorage
from safetensors.torch import load_file, save_file

from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.result import Result
from nemesis_sweep.sweep.study import TaskStudy
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker.result import RESULT, read_result
from nemesis_sweep.sweep.worker.session import Finished
from nemesis_sweep.sweep.worker.trial import open_trial
from tests.sweep.conftest import TEXT


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    file = tmp_path_factory.mktemp("spec") / "made.yaml"
    file.write_text(TEXT)
    short = ("search.baselines=[]", "tasks.shots=2", "method.views=1", "method.epochs=10")
    return load_sweep(file, short, known_names())


@pytest.fixture(scope="module")
def specs(sweep, tmp_path_factory):
    """The first two trials of a sweep, of which the first is finished and the second interrupted."""
    home = Home(tmp_path_factory.mktemp("trained") / "home")
    home.create()
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, InMemoryStorage())
    made = []
    for _ in range(2):
        proposal = study.next()
        values = {name: getattr(proposal, name) for name in ("number", "baseline", "params", "method")}
        one = TrialSpec(str(home.path), task, **values, seeds=(1, 2), eval_every=5, threads=1)
        session = open_trial(one)
        while not session.advance().done and not made:
            pass
        made.append(one)
    return made


@pytest.fixture
def fresh(specs, tmp_path):
    """The same trials in a copy of the home."""
    home = tmp_path / "home"
    shutil.copytree(specs[0].home, home)
    return [replace(each, home=str(home)) for each in specs]


def finish(session):
    """Every answer of a session until it is done."""
    told = [session.advance()]
    while not told[-1].done:
        told.append(session.advance())
    return told


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "random": lambda path: path.write_bytes(os.urandom(500)),
    "wrong type": lambda path: path.write_text("[]"),
    "no keys": lambda path: path.write_text("{}"),
    "a digit": lambda path: path.write_text(path.read_text().replace('"epochs": 10', '"epochs": 11')),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_result_is_not_believed(fresh, damage):
    trial, _ = fresh
    before = read_result(trial.folder)
    DAMAGE[damage](trial.folder / RESULT)
    session = open_trial(trial)
    assert not isinstance(session, Finished)
    told = finish(session)
    # From its last checkpoint, so the rest alone is trained again; and said once.
    assert [each.epoch for each in told] == [10]
    assert told[0].note.startswith(f"trained again, for {trial.folder / RESULT} ")
    after = read_result(trial.folder)
    assert (after.number, after.params) == ("0", trial.params)
    assert after.metrics == pytest.approx(before.metrics, rel=1e-4)
    assert (trial.folder / f"{RESULT}.damaged").exists()


@pytest.mark.parametrize("name", ["prompt.json", "prompt.safetensors"])
def test_a_result_whose_prompt_is_damaged_is_not_believed(fresh, name):
    trial, _ = fresh
    (trial.folder / name).write_bytes(b"x")
    told = finish(open_trial(trial))
    assert told[0].note.startswith(f"trained again, for {trial.folder / name} ")
    assert isinstance(open_trial(trial), Finished)


def test_the_result_of_another_trial_is_not_believed(fresh):
    trial, other = fresh
    finish(open_trial(other))
    for name in (RESULT, "prompt.json", "prompt.safetensors"):
        shutil.copy(trial.folder / name, other.folder / name)
    session = open_trial(other)
    assert not isinstance(session, Finished)
    assert 'is of number "0", not "1"' in finish(session)[0].note
    assert read_result(other.folder).number == "1"


def test_a_damaged_checkpoint_starts_the_trial_again(fresh):
    _, trial = fresh
    undisturbed = finish(open_trial(trial))
    for name in (RESULT, "prompt.json", "prompt.safetensors"):
        (trial.folder / name).unlink()
    file = trial.folder / "checkpoint" / "state.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-40] + bytes([whole[-40] ^ 16]) + whole[-39:])
    told = finish(open_trial(trial))
    assert told[0].note == f"trained from the beginning, for {file} has a checksum that does not fit"
    assert [each.epoch for each in told] == [5, 10]
    assert not told[1].note
    assert told[-1].metrics["val/accuracy"] == pytest.approx(
        undisturbed[-1].metrics["val/accuracy"], rel=1e-4
    )


def test_the_checkpoint_of_another_trial_is_not_taken(fresh):
    first, second = fresh
    place = "checkpoint/state.safetensors"
    shutil.copy(first.folder / place, second.folder / place)
    told = finish(open_trial(second))
    assert "belongs to" in told[0].note and [each.epoch for each in told] == [5, 10]


def test_a_checkpoint_of_an_earlier_version_goes_on_unless_it_does_not_fit(fresh):
    _, trial = fresh
    file = trial.folder / "checkpoint" / "state.safetensors"
    state = load_file(file)
    save_file(state, file)
    session = open_trial(trial)
    assert session.fit.epoch == 5 and not session.advance().note
    save_file({**state, "prompt.context": state["prompt.context"][:, :, :3].clone()}, file)
    (trial.folder / RESULT).unlink()
    told = finish(open_trial(trial))
    assert "does not fit this trial" in told[0].note and [each.epoch for each in told] == [5, 10]


def test_a_result_of_an_earlier_version_is_believed(fresh):
    trial, _ = fresh
    result = json.loads((trial.folder / RESULT).read_text())
    old = {name: value for name, value in result.items() if not name.endswith("checksum")}
    (trial.folder / RESULT).write_text(json.dumps(old, indent=2))
    session = open_trial(trial)
    told = session.advance()
    assert told.done and not told.note and session.result == Result.from_json(old)
