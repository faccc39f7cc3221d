"""The actor of a trial: ready at once, so that Tune gives its trial to nobody else while it loads."""

import pytest

from nemesis_sweep.spec.errors import UserError
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep import shared_home
from nemesis_sweep.sweep.assignment import Assignment
from nemesis_sweep.sweep.trainable import PromptTrainable
from nemesis_sweep.tracking.store import Tracking


def test_nothing_is_loaded_before_the_first_step(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_home, "PATIENCE", 0.0)
    assignment = Assignment(
        home=str(tmp_path / "unseen"),
        task=Task("no-such-backbone", "no-such-dataset", 1, "few_shot"),
        number="0",
        baseline="",
        params={},
        method=Method(),
        seeds=(1,),
        eval_every=1,
        threads=1,
        tracking=Tracking("sqlite:////nowhere/mlflow.db", "0", "0"),
    )
    actor = PromptTrainable(assignment.to_config())
    assert actor.reset(assignment.to_config())
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="this node does not see the sweep's home"):
        actor.step()
    assert not list(tmp_path.iterdir())
