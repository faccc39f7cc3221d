"""The actor of a trial: ready at once, so that Tune gives its trial to nobody else while it loads."""

import os
from contextlib import nullcontext

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.cause import BACKBONE
from nemesis_sweep.sweep.home import shared as shared_home
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.trial_spec import TrialSpec, read_trial_spec
from nemesis_sweep.sweep.worker.beginning import shared_by
from nemesis_sweep.sweep.worker.trainable import GPU_LOST, PromptTrainable


def assigned(home, threads=1):
    """A trial of nothing that there is."""
    return TrialSpec(
        home=str(home),
        task=Task("no-such-backbone", "no-such-dataset", 1, "few_shot"),
        number="0",
        baseline="",
        params={},
        method=Method(),
        seeds=(1,),
        eval_every=1,
        threads=threads,
    )


def test_nothing_is_loaded_before_the_first_step(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_home, "PATIENCE", 0.0)
    spec = assigned(tmp_path / "unseen")
    actor = PromptTrainable(spec.to_config())
    assert actor.reset(spec.to_config())
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="this node does not see the sweep's home"):
        actor.step()
    assert not list(tmp_path.iterdir())


def test_a_worker_computes_with_as_many_threads_as_its_trial_is_given(tmp_path, monkeypatch):
    import torch

    (tmp_path / "driver.lock").touch()
    used = []

    class Session:
        def __init__(self, spec):
            used.append(torch.get_num_threads())

        def advance(self):
            return Report(done=True)

    monkeypatch.setattr("nemesis_sweep.sweep.worker.joint_trial.open_session", Session)
    before = torch.get_num_threads()
    try:
        for threads in (3, 2):
            assert PromptTrainable(assigned(tmp_path, threads).to_config()).step() == {
                "epoch": 0,
                "done": True,
            }
    finally:
        torch.set_num_threads(before)
    assert used == [3, 2]


class Leaves(BaseException):
    """In place of the end of the process."""


@pytest.mark.parametrize("where", ["loading", "training"])
def test_a_worker_whose_gpu_answers_no_more_ends(tmp_path, monkeypatch, where):
    """What was wrong is kept; any other error leaves the worker as it is."""
    (tmp_path / "driver.lock").touch()
    spec = assigned(tmp_path)
    raised = RuntimeError("CUDA error: device-side assert triggered")

    def fail(*_):
        with shared_by(BACKBONE, "x") if where == "loading" else nullcontext():
            raise raised

    def leave(code):
        raise Leaves(code)

    monkeypatch.setattr("nemesis_sweep.sweep.worker.joint_trial.open_session", fail)
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Leaves, match=str(GPU_LOST)):
        PromptTrainable(spec.to_config()).step()
    assert "device-side assert" in (spec.folder / "error.txt").read_text()
    raised = RuntimeError("CUDA error: out of memory")
    assert PromptTrainable(spec.to_config()).step()["out_of_memory"]


def test_a_trial_takes_what_its_configuration_says():
    request = PromptTrainable.default_resource_request({"resources": {"cpu": 2.0, "gpu": 0.5}})
    assert request.required_resources == {"CPU": 2.0, "GPU": 0.5}


def test_what_it_was_given_is_read_once_for_a_trial_and_not_at_every_step(tmp_path, monkeypatch):
    (tmp_path / "driver.lock").touch()
    read = []

    class Session:
        epoch = 0

        def __init__(self, spec):
            pass

        def advance(self):
            self.epoch += 1
            return Report(epoch=self.epoch, done=self.epoch == 3)

    def counted(config):
        read.append(config["number"])
        return read_trial_spec(config)

    monkeypatch.setattr("nemesis_sweep.sweep.worker.joint_trial.open_session", Session)
    monkeypatch.setattr("nemesis_sweep.sweep.worker.trainable.read_trial_spec", counted)
    actor = PromptTrainable(assigned(tmp_path, 1).to_config())
    assert [actor.step()["epoch"] for _ in range(3)] == [1, 2, 3]
    assert len(read) == 1
    # The next trial of a warm worker is another one.
    actor.reset_config(actor.config)
    assert actor.step()["epoch"] == 1 and len(read) == 2
