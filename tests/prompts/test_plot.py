"""PLOT beside the contract of all kinds: its stop rule in tests, its warning, what it refuses."""

import warnings

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.training.trainer import Trainer
from tests.prompts.test_contract import NAMES, batch, made


def apart():
    """Text features ``(1, N, C, E)`` that are far from one another, unlike those of an untrained tower."""
    generator = torch.Generator().manual_seed(1)
    return torch.nn.functional.normalize(torch.randn(1, 4, len(NAMES), 32, generator=generator), dim=-1)


@torch.no_grad()
def evaluated(learner, images):
    classifier = learner.classifier()
    classifier.texts = apart()
    return classifier(images)


def test_by_the_published_rule_images_depend_on_their_neighbours(tiny_resnet):
    fixed, reference = (
        Trainer(tiny_resnet, NAMES, made("plot", transport_stop=stop), (1,)).learner
        for stop in ("fixed", "reference")
    )
    images, _ = batch(fixed, 1, size=12)
    # The first one needs more rounds than the others, as its parts resemble single prompts.
    images[:, :1, :4] += 6 * apart()[:, None, :, 0]
    images = torch.nn.functional.normalize(images, dim=-1)
    assert reference.classifier().chunk == 100
    torch.testing.assert_close(evaluated(fixed, images)[:, :1], evaluated(fixed, images[:, :1]))
    whole, alone = evaluated(reference, images)[:, :1], evaluated(reference, images[:, :1])
    assert 1e-5 < (whole - alone).abs().max() < 1


def test_too_few_rounds_are_told_once(tiny_resnet):
    learner = Trainer(tiny_resnet, NAMES, made("plot", transport_rounds=1), (1,)).learner
    texts = apart()
    images = texts[:, :, 0][:, None].expand(1, 2, -1, -1)
    images = torch.cat([images, images[:, :, :1]], dim=2)
    with torch.no_grad():
        classifier = learner.classifier()
        classifier.texts = texts
        with pytest.warns(UserWarning, match=r"not converged after 1 rounds.*raise transport_rounds"):
            classifier(images)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            classifier(images)


def test_what_it_cannot_do_is_refused(tiny_resnet, tiny_backbone, colours):
    with pytest.raises(ns.UserError, match=r"words: plot has no words; .*prompt: coop or kgcoop or cocoop"):
        ns.fit(tiny_resnet, colours, {"prompt": "plot", "words": "a photo of a"})
    with pytest.raises(ns.UserError, match=r"unknown prompt; found 'plott'; .*Did you mean 'plot'"):
        ns.fit(tiny_resnet, colours, {"prompt": "plott"})
    features = ns.episode_features(colours, tiny_resnet, 1, (1,), 1)
    method = ns.Method(prompt="plot", n_ctx=2, epochs=1, views=1)
    with pytest.raises(
        ns.UserError, match=r"another kind; found \(32,\), pooled; allowed: \(5, 32\), .*'patches'"
    ):
        ns.TrainingRun(tiny_resnet, colours.classnames, method, (1,), features)


def test_a_tower_without_parts_is_refused(tiny_backbone, colours, monkeypatch):
    monkeypatch.setattr(tiny_backbone.visual, "pool_type", "avg")
    message = r"backbone: this image tower has no features of the parts of an image; found tiny"
    with pytest.raises(ns.UserError, match=message):
        ns.fit(tiny_backbone, colours, {"prompt": "plot", "views": 1})


def test_a_vit_gives_its_patches(tiny_backbone, colours):
    result = ns.fit(tiny_backbone, colours, {"prompt": "plot", "views": 1, "epochs": 1, "n_ctx": 2}, shots=1)
    assert learner_of("plot").reads == "patches"
    assert result.context.shape == (3, 4, 2, 64)
