"""The corrupted prompts of a sweep's trials, without Ray: kept before the result, and chosen by nobody."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.corrupting import to_corrupt
from nemesis_sweep.sweep.corruption_file import FILE, frequencies, read_corruption
from nemesis_sweep.sweep.handed_out import spec_of
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.learnt_folder import Found
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.study import TaskStudy
from nemesis_sweep.sweep.trial_spec import TrialSpec, read_trial_spec
from nemesis_sweep.sweep.worker.result import RESULT, read_result
from nemesis_sweep.sweep.worker.session import Finished
from nemesis_sweep.sweep.worker.trial import open_trial
from nemesis_sweep.tracking.outbox import FILES, METRICS, Outbox
from nemesis_sweep.training.corruption import corrupt
from nemesis_sweep.training.learnt import load_learnt

TEXT = """
name: made
tasks: {dataset: digits, shots: 2, replicates: 2}
method: {epochs: 2, views: 1, n_ctx: 2}
search:
  baselines: [zero_shot, coop]
  corrupt: {rescale: [0.5, 2], replace: [0.001], on: [val, test]}
budget: {trials: 0}
"""


@pytest.fixture(scope="module")
def specs(tmp_path_factory):
    """The rows of a sweep by their names, trained."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "made.yaml").write_text(TEXT)
    sweep = load_sweep(folder / "made.yaml", (), known_names())
    (task,) = sweep.task_list()
    home, study = Home(folder / "home"), TaskStudy(sweep, task, InMemoryStorage())
    home.create()
    made = {}
    while (proposal := study.next()) is not None:
        # As it reaches a worker.
        made[proposal.number] = read_trial_spec(spec_of(home, study, proposal).to_config())
        train(made[proposal.number])
        study.tell(proposal.number, TrialState.COMPLETE, [0.0], 1.0)
    return made


def train(spec):
    session = open_trial(spec)
    while not session.advance().done:
        pass


def test_a_learnt_prompt_is_corrupted_as_the_command_does_it(specs):
    spec = specs["coop"]
    kept = read_corruption(spec.folder)
    assert list(kept) == ["val", "test"]
    for split, found in kept.items():
        assert [(each.operation, each.strengths) for each in found] == [
            ("rescale", (0.5, 2.0)),
            ("replace", (0.001,)),
        ]
        prompt = load_learnt(spec.folder)
        given = to_corrupt(Found(spec.folder, "", Home(spec.home).path, spec.task), prompt, split)
        for each in found:
            assert each.positions == (1, 2) and each.seeds == (1, 2)
            own = corrupt(given.learner, (1, 2), given.images, given.labels, each.operation, each.strengths)
            for name in ("before", "right", "norms", "after"):
                assert np.array_equal(getattr(each, name), getattr(own, name)), name
    accuracies = 100 * kept["test"][0].before.mean(axis=1)
    assert accuracies == pytest.approx(read_result(spec.folder).replicates["test/accuracy"])


def test_what_trains_no_prompt_has_none_and_no_result_speaks_of_it(specs):
    assert not (specs["zero_shot"].folder / FILE).exists()
    assert not any("corrupt" in name for name in read_result(specs["coop"].folder).metrics)


def test_mlflow_is_told_with_the_prompt(specs):
    spec = specs["coop"]
    events = Outbox(spec.folder).read()[0]
    (file,) = [each for each in events if each["event"] == FILES]
    assert FILE in file["names"] and file["place"] == "prompt"
    told = frequencies(read_corruption(spec.folder))
    assert set(told) == {
        f"corrupt/{split}/{operation}/low_norm_{kind}"
        for split in ("val", "test")
        for operation in ("rescale", "replace")
        for kind in ("pairs", "positions")
    }
    (metrics,) = [each for each in events if each["event"] == METRICS and set(told) <= set(each["metrics"])]
    assert {name: metrics["metrics"][name] for name in told} == told and metrics["epoch"] == 2


def test_a_trial_killed_before_its_result_leaves_the_same(specs, tmp_path):
    shutil.copytree(specs["coop"].home, tmp_path / "home")
    spec = replace(specs["coop"], home=str(tmp_path / "home"))
    whole = (spec.folder / FILE).read_bytes()
    (spec.folder / RESULT).unlink()
    (spec.folder / FILE).unlink()
    train(spec)
    assert (spec.folder / FILE).read_bytes() == whole


def test_a_trial_that_is_done_is_not_corrupted_again(specs, tmp_path):
    shutil.copytree(specs["coop"].home, tmp_path / "home")
    spec = replace(specs["coop"], home=str(tmp_path / "home"))
    (spec.folder / FILE).write_bytes(b"")
    assert isinstance(open_trial(spec), Finished)
    with pytest.raises(DamagedError):
        read_corruption(spec.folder)


def test_without_the_key_nothing_is_kept(specs, tmp_path):
    spec = replace(specs["coop"], home=str(tmp_path), corrupt=None)
    assert TrialSpec.from_config(spec.to_config()) == spec
    train(spec)
    assert not (spec.folder / FILE).exists()
