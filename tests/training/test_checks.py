"""What a step and a fit refuse: with the values, and before anything has changed."""

from dataclasses import replace

import pytest
import torch

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.text_classifier import TextClassifier
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.checks import check_device
from nemesis_sweep.training.episode_features import episode_features
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.training.training_run import TrainingRun
from tests.training.test_trainer import NAMES, batches


def changed(tensor, place, value):
    copy = tensor.clone()
    copy[place] = value
    return copy


IMAGES, LABELS = batches(2, steps=1)[0]
NAN = changed(changed(IMAGES, (1, 3, 5), float("nan")), (1, 6, 0), float("nan"))
CASES = {
    "one replicate": (IMAGES[:1], LABELS[:1], None, r"found \(1, 8, 32\); allowed: \(R, B, E\) with R = 2"),
    "no replicate axis": (IMAGES[0], LABELS[0], None, r"found \(8, 32\)"),
    "another width": (IMAGES[..., :31], LABELS, None, r"found \(2, 8, 31\); allowed: .* E = 32"),
    "empty batch": (IMAGES[:, :0], LABELS[:, :0], None, r"found \(2, 0, 32\)"),
    "NaN": (NAN, LABELS, None, r"found nan in image 3 of replicate 1, 2 images in all"),
    "infinite": (
        changed(IMAGES, (0, 2, 1), float("inf")),
        LABELS,
        None,
        r"found inf in image 2 of replicate 0",
    ),
    "fewer labels": (IMAGES, LABELS[:, :7], None, r"found \(2, 7\) int64; allowed: \(2, 8\), whole numbers"),
    "labels that are no numbers of classes": (IMAGES, LABELS.float(), None, r"found \(2, 8\) float32"),
    "a label too high": (IMAGES, changed(LABELS, (1, 1), 4), None, r"found 4; allowed: 0 to 3"),
    "a negative label": (IMAGES, changed(LABELS, (1, 1), -1), None, r"found -1; allowed: 0 to 3"),
    "a position too high": (
        IMAGES,
        LABELS,
        [[0], [4]],
        r"no such context vector; found 0 to 4; allowed: 0 to 3",
    ),
    "a position twice": (
        IMAGES,
        LABELS,
        [[0, 1], [2, 2]],
        r"twice in one replicate; found \[\[0, 1\], \[2, 2\]\]",
    ),
    "positions of one replicate": (IMAGES, LABELS, [[0]], r"found \(1, 1\) int64; allowed: \(R, N\)"),
    "positions between": (IMAGES, LABELS, [[0.5], [1.0]], r"found \(2, 1\) float32"),
}


@pytest.mark.parametrize(("images", "labels", "positions", "message"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("selection", ["accuracy", "random"])
def test_a_step_refuses_what_does_not_fit(tiny_backbone, images, labels, positions, message, selection):
    method = Method(n_ctx=4, epochs=5, omega=1.0, beta=0.0, selection=selection)
    trainer = Trainer(tiny_backbone, NAMES, method, seeds=(1, 2))
    before = trainer.learner.context.detach().clone()
    draws = trainer.generators.state()
    given = None if positions is None else torch.tensor(positions)
    with pytest.raises(UserError, match=message):
        trainer.step(images, labels, 0, given)
    assert torch.equal(trainer.learner.context, before)
    assert all(torch.equal(value, draws[name]) for name, value in trainer.generators.state().items())
    assert trainer.failed == []


def test_labels_of_any_whole_type_do(tiny_backbone):
    losses = []
    for kind in (torch.int64, torch.int32, torch.uint8):
        trainer = Trainer(tiny_backbone, NAMES, Method(n_ctx=4), seeds=(1, 2))
        losses.append(trainer.step(IMAGES, LABELS.to(kind), 1).loss)
    assert torch.equal(losses[0], losses[1]) and torch.equal(losses[0], losses[2])


def test_large_features_are_not_taken_for_infinite_ones(tiny_backbone):
    """Their sum is; each of them is not."""
    trainer = Trainer(tiny_backbone, NAMES, Method(n_ctx=4), seeds=(1, 2))
    trainer.step(torch.full_like(IMAGES, 3e38), LABELS, 1)


@pytest.mark.parametrize(
    ("settings", "seeds", "message"),
    [
        ({"n_ctx": 4, "n_positions": 5}, (1,), "n_positions: more positions than context vectors; found 5"),
        ({"n_ctx": 4}, (), "no seeds given"),
        ({"n_ctx": 4}, (1, 1), "seeds: 1 is listed twice"),
        ({"n_ctx": 80}, (1,), r"4 of 4 prompts do not fit the text tower with n_ctx 80; .*at most 32 tokens"),
    ],
)
def test_a_trainer_refuses_settings_that_do_not_go_together(tiny_backbone, settings, seeds, message):
    with pytest.raises(UserError, match=message):
        Trainer(tiny_backbone, NAMES, Method(**settings), seeds)


def test_a_fit_refuses_features_of_something_else(tiny_backbone, colours):
    features = episode_features(colours, tiny_backbone, shots=2, seeds=(1, 2), views=3)

    def start(classnames=colours.classnames, seeds=(1, 2), given=features, **settings):
        return TrainingRun(tiny_backbone, classnames, Method(n_ctx=4, **settings), seeds, given)

    with pytest.raises(UserError, match=r"found \(2, 8, 3, 32\); allowed: .* R = 3 seeds"):
        start(seeds=(1, 2, 3))
    with pytest.raises(UserError, match="views: too few views; found 3; allowed: at least 4"):
        start(views="epochs", epochs=4)
    with pytest.raises(UserError, match="without a class name; found 3; allowed: 0 to 2, 3 class names"):
        start(classnames=colours.classnames[:3])
    nan = replace(features, train=changed(features.train, (0, 1), float("nan")))
    with pytest.raises(UserError, match=r"found nan in image . of replicate 0, 1 image in all"):
        start(given=nan).run_epoch()


@pytest.mark.parametrize(
    ("images", "labels"), [((5, 31), (5,)), ((5, 32), (4,)), ((3, 5, 32), (3, 5)), ((0, 32), (0,))]
)
def test_evaluation_refuses_shapes_that_do_not_fit(tiny_backbone, images, labels):
    classifier = TextClassifier(tiny_backbone, torch.randn(2, 4, 32))
    with pytest.raises(UserError, match="cannot evaluate these shapes; found images"):
        evaluate(torch.zeros(images), torch.zeros(labels, dtype=torch.int64), classifier)


def test_apples_gpu_is_refused_for_what_it_lacks():
    check_device(torch.device("cpu"))
    with pytest.raises(
        UserError, match=r"device: Apple's GPU has no float64.*found 'mps'; allowed: cpu, cuda"
    ):
        check_device(torch.device("mps"))
