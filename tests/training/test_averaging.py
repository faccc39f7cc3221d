"""What is kept is the average over the epochs, also of a training that was interrupted."""

import math

import pytest
import torch

from nemesis_sweep.spec.method import Method
from nemesis_sweep.testing.tiny_backbones import tiny_backbone as made_backbone
from nemesis_sweep.training.averaging import epoch_weights
from nemesis_sweep.training.checkpoint import load_checkpoint, save_checkpoint
from nemesis_sweep.training.episode_features import episode_features
from nemesis_sweep.training.training_run import TrainingRun

GAUSSIAN = {"average": "gaussian", "average_mean": 0.6, "average_std": 0.2}


@pytest.fixture(scope="module", name="vit")
def _vit():
    return made_backbone("pixels")


@pytest.fixture(name="begun")
def _begun(vit, colours):
    """Makes trainings of five epochs."""
    features = episode_features(colours, vit, 2, (1, 2), 1, reads="states-1")
    own = {"prompt": "promptsrc", "n_ctx": 2, "n_ctx_vision": 2, "vision_last": 1}

    def begin(**more):
        method = Method(**own, epochs=5, views=1, batch=4, lr=0.05, **more)
        return TrainingRun(vit, colours.classnames, method, (1, 2), features)

    return begin


def test_the_weights_are_the_published_ones():
    """Of the public code's settings from base to new: 20 epochs, mean 15, deviation 1."""
    weights = epoch_weights(Method(prompt="promptsrc", average="gaussian", epochs=20))
    plain = [math.exp(-0.5 * (epoch - 15) ** 2) for epoch in range(1, 21)]
    wanted = torch.tensor([each / sum(plain) for each in plain], dtype=torch.float64)
    torch.testing.assert_close(weights, wanted, rtol=1e-10, atol=1e-15)
    far = epoch_weights(Method(average="gaussian", epochs=3, average_mean=50.0, average_std=0.01))
    assert far.tolist() == [0, 0, 1]
    assert epoch_weights(Method()) is None


def test_the_last_epoch_leaves_the_average_of_all(begun):
    plain, averaged = begun(), begun(**GAUSSIAN)
    own = [math.exp(-0.5 * ((epoch / 5 - 0.6) / 0.2) ** 2) for epoch in range(1, 6)]
    sums = dict.fromkeys(plain.trainer.parameters, 0.0)
    for weight in own:
        plain.run_epoch()
        metrics = averaged.run_epoch()
        for name, value in plain.trainer.learner.values().items():
            sums[name] = sums[name] + weight / sum(own) * value.double()
    assert averaged.done and metrics["norm/mean"] != plain.trainer.learner.penalised().norm(dim=-1).mean()
    for name, value in averaged.prompt().tensors.items():
        torch.testing.assert_close(value.double(), sums[name], rtol=1e-6, atol=1e-8)
        assert not torch.equal(value, plain.prompt().tensors[name])
    kept = averaged.evaluate("test")
    assert kept != plain.evaluate("test")
    for name, parameter in plain.trainer.parameters.items():
        parameter.data.copy_(averaged.trainer.parameters[name])
    assert plain.evaluate("test") == kept


def test_an_interrupted_training_leaves_the_same(begun, tmp_path):
    whole = begun(**GAUSSIAN)
    while not whole.done:
        whole.run_epoch()
    half = begun(**GAUSSIAN)
    for number in range(5):
        half.run_epoch()
        save_checkpoint(tmp_path / str(number), half.state())
    for number in (2, 4):
        resumed = begun(**GAUSSIAN)
        resumed.load_state(load_checkpoint(tmp_path / str(number)))
        while not resumed.done:
            resumed.run_epoch()
        for name, value in whole.prompt().tensors.items():
            assert torch.equal(resumed.prompt().tensors[name], value)
        assert resumed.evaluate("val") == whole.evaluate("val")


def test_a_kind_that_has_no_average_keeps_what_the_last_epoch_leaves(vit, colours):
    """The row of plain CoOp in a sweep that averages another kind."""
    features = episode_features(colours, vit, 2, (1,), 1)
    found = []
    for own in ({}, GAUSSIAN):
        run = TrainingRun(vit, colours.classnames, Method(n_ctx=2, epochs=2, views=1, **own), (1,), features)
        while not run.done:
            run.run_epoch()
        found.append(run.prompt().context)
    assert torch.equal(*found)
