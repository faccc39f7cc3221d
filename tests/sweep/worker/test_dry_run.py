"""A dry run does what a trial does, on as many images and classes, without encoding any."""

import math

import pytest

from nemesis_sweep.data.episodes import few_shot_episode
from nemesis_sweep.data.protocols import ProtocolSplit
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.corrupt import Corrupt
from nemesis_sweep.spec.method import Method
from nemesis_sweep.sweep.worker import dry_run as module
from nemesis_sweep.sweep.worker.dry_run import STEPS, dry_run
from nemesis_sweep.training.training_run import TrainingRun


def arranged(colours, shots=12, targets=()):
    episodes = tuple(few_shot_episode(colours, shots, seed) for seed in (1, 2))
    return ProtocolSplit(colours, episodes, {str(n): data for n, data in enumerate(targets)})


@pytest.fixture
def seen(monkeypatch):
    """The shapes of what is trained and tested on."""
    shapes = {}
    plain = TrainingRun.__init__

    def note(self, backbone, classnames, method, seeds, features, template):
        shapes.update({split: tuple(getattr(features, split).shape) for split in ("train", "val", "test")})
        plain(self, backbone, classnames, method, seeds, features, template)

    monkeypatch.setattr(TrainingRun, "__init__", note)
    return shapes


@pytest.mark.parametrize("views", [16, "epochs"])
def test_it_has_the_trials_sizes_but_only_a_few_steps(tiny_backbone, colours, seen, views):
    costs = dry_run(tiny_backbone, arranged(colours), Method(batch=4, n_ctx=3, omega=1, beta=0, views=views))
    assert seen == {"train": (2, STEPS * 4, 1, 32), "val": (2, 16, 32), "test": (40, 32)}
    assert min(costs.step, costs.validation, costs.test) > 0


def test_fewer_images_than_a_batch_are_one_step(tiny_backbone, colours, seen):
    dry_run(tiny_backbone, arranged(colours, shots=1), Method(n_ctx=2))
    assert seen["train"] == (2, 4, 1, 32)


def test_targets_are_part_of_the_test(tiny_backbone, colours, monkeypatch):
    monkeypatch.setattr(module, "_seconds", lambda work: work() and 1.0)
    alone = dry_run(tiny_backbone, arranged(colours), Method(n_ctx=2))
    both = dry_run(tiny_backbone, arranged(colours, targets=[colours, colours]), Method(n_ctx=2))
    assert math.isclose(both.test - alone.test, 2.0)


def test_corrupted_prompts_cost_as_many_times_as_there_are_positions_and_images(
    tiny_backbone, colours, monkeypatch
):
    """Of 4 positions 2 are measured, on all 40 test images; those of validation are 16 more."""
    monkeypatch.setattr(module, "_seconds", lambda work: (work(), 1.0)[1])
    method, there = Method(n_ctx=4), arranged(colours)
    assert dry_run(tiny_backbone, there, method).corruption == 0
    for asked, seconds in (
        ({}, 2.0),
        ({"on": ["val", "test"]}, 2.0),
        ({"positions": [1]}, 1.0),
        ({"positions": [1, 2, 4]}, 1.5),
    ):
        costs = dry_run(tiny_backbone, there, method, Corrupt.model_validate(asked))
        assert math.isclose(costs.corruption, seconds)


def test_what_the_trial_would_refuse_is_refused(tiny_backbone, colours):
    with pytest.raises(UserError, match="do not fit the text tower with n_ctx 75"):
        dry_run(tiny_backbone, arranged(colours), Method(n_ctx=75))


def test_images_that_are_too_many_to_be_made_up_are_told(tiny_backbone, colours, monkeypatch):
    """Of parts, 5 x 32 numbers: two shots of 4 classes in 3 views and validation, twice, and the test."""
    method = Method(prompt="plot", n_ctx=2, batch=4, epochs=1, views=3)
    assert dry_run(tiny_backbone, arranged(colours, shots=2), method).held == 0
    monkeypatch.setattr(module, "LARGE", 1000)
    held = dry_run(tiny_backbone, arranged(colours, shots=2), method).held
    val = len(few_shot_episode(colours, 2, 1).val)
    assert held == 4 * 5 * 32 * (2 * (8 * 3 + val) + 40)
    assert dry_run(tiny_backbone, arranged(colours), Method(n_ctx=2)).held == 0


def test_a_test_that_costs_much_for_every_image_is_measured_on_some(tiny_backbone, colours, monkeypatch):
    """Seconds as if an image took one, and ten in all passes: the whole test of 40 images takes 50."""
    sizes = []

    def evaluated(images, labels, classifier):
        sizes.append(len(images))
        return 10.0 + len(images)

    monkeypatch.setattr(module, "evaluate", evaluated)
    monkeypatch.setattr(module, "_seconds", lambda work: told if isinstance(told := work(), float) else 1.0)
    costs = dry_run(tiny_backbone, arranged(colours), Method(prompt="cocoop", n_ctx=2, batch=4, epochs=1))
    assert costs.test == pytest.approx(50.0)
    assert max(sizes) < 40
