"""PromptSRC beside the contract of all kinds: what PAN runs again, what it is pulled to, its refusals."""

import open_clip
import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.prompts import both_towers, promptsrc
from nemesis_sweep.testing.tiny_backbones import tiny_backbone as made_backbone
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.pixels import normalised
from tests.prompts.test_contract import NAMES, batch, made

OFF = {"text_weight": 0.0, "image_weight": 0.0, "logit_weight": 0.0}
SMALL = {"prompt": "promptsrc", "n_ctx": 2, "n_ctx_vision": 2, "views": 1, "epochs": 2, "batch": 4}


@pytest.fixture(scope="module", name="vit")
def _vit():
    return made_backbone("pixels")


@pytest.mark.parametrize(
    ("positions", "texts", "blocks"),
    [([[0, 4], [5, 2]], True, []), ([[14, 10], [13, 11]], False, [1]), ([[9, 3], [1, 12]], True, [1])],
)
def test_a_tower_that_no_variant_differs_in_is_not_run_again(vit, monkeypatch, positions, texts, blocks):
    """Six vectors in two text blocks, then nine in three image blocks."""
    learner = Trainer(vit, NAMES, made("promptsrc"), (1, 2)).learner
    images, _ = batch(learner, 2)
    classifier = learner.classifier(variants=True)
    classifier(images)
    places, scales = torch.tensor(positions), torch.tensor([[0.3, 0.0], [3.0, 0.5]])
    whole = classifier.rescaled(images, places, scales)
    begun = {"texts": [], "images": []}
    of_texts, of_images = both_towers.encode_variants, both_towers.encode_image_variants
    monkeypatch.setattr(
        both_towers, "encode_variants", lambda *a, **k: begun["texts"].append(1) or of_texts(*a, **k)
    )
    monkeypatch.setattr(
        both_towers,
        "encode_image_variants",
        lambda *given: begun["images"].append(given[-1]) or of_images(*given),
    )
    classifier.first = learner.first_place(places)
    torch.testing.assert_close(classifier.rescaled(images, places, scales), whole, rtol=1e-5, atol=1e-5)
    assert begun == {"texts": [1] * texts, "images": blocks}


def test_without_weights_nothing_is_compared_with_the_frozen_tower(vit, monkeypatch):
    """It is IVLP: the loss is the cross-entropy, and no image goes through the tower once more."""
    monkeypatch.setattr(promptsrc, "encode_images", None)
    trainer = Trainer(vit, NAMES, made("promptsrc", "none", **OFF), (1, 2))
    step = trainer.step(*batch(trainer.learner, 2), 1)
    assert torch.equal(step.loss, step.cross_entropy)


def test_a_batch_that_goes_in_passes_gives_the_same(vit, monkeypatch):
    found = []
    for most in (2**31, 1):
        monkeypatch.setattr("nemesis_sweep.prompts.image_passes.PASS_BYTES", most)
        trainer = Trainer(vit, NAMES, made("promptsrc", "PAN", vision_last=2), (1, 2))
        step = trainer.step(*batch(trainer.learner, 2), 1, torch.tensor([[0, 11, 7], [10, 1, 3]]))
        found.append((step.loss, step.selected, *(each.grad for each in trainer.parameters.values())))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_a_strong_pull_brings_the_features_to_the_frozen_towers(vit):
    """Of the texts near the mean over the templates, of the images near those without vectors."""
    far = []
    for weight in (0.0, 100.0):
        own = {**OFF, "text_weight": weight, "image_weight": weight, "lr": 0.002}
        trainer = Trainer(vit, NAMES, made("promptsrc", "none", **own), (1,))
        learner, (images, labels) = trainer.learner, batch(trainer.learner, 1)
        for _ in range(10):
            trainer.step(images, labels, 1)
        with torch.no_grad():
            classifier = learner.classifier()
            classifier(images)
            frozen = vit.encode_image(normalised(images[0], vit.preprocess, torch.float32))
            far.append(
                [
                    float((classifier.texts - learner.anchors).abs().mean()),
                    float((classifier.features[0] - frozen).abs().mean()),
                ]
            )
    assert 0 < far[1][0] < 0.8 * far[0][0] and 0 < far[1][1] < 0.8 * far[0][1], far


def test_vectors_of_both_widths_are_penalised_side_by_side():
    vision = {"image_size": 32, "patch_size": 16, "width": 96, "layers": 1, "head_width": 32}
    text = {"width": 64, "heads": 2, "layers": 1, "context_length": 77, "vocab_size": 49408}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = open_clip.model.CLIP(embed_dim=32, vision_cfg=vision, text_cfg=text)
    backbone = ns.backbone_from_open_clip(model, open_clip.get_tokenizer("ViT-B-32"))
    for norm, p in (("1", 1), ("2", 2), ("inf", float("inf"))):
        trainer = Trainer(backbone, NAMES, made("promptsrc", "PAN", norm=norm, omega=5.0), (1, 2))
        values = {name: value.clone() for name, value in trainer.learner.values().items()}
        step = trainer.step(*batch(trainer.learner, 2), 1)
        for rows, found in ((values["context"], step.norms[:, :3]), (values["visual"], step.norms[:, 3:])):
            torch.testing.assert_close(found, rows.flatten(1, -2).norm(p, dim=-1).view_as(found))


def test_what_it_cannot_do_is_refused(vit, tiny_resnet, colours):
    for own, told in (
        ({"prompt_depth": 3}, r"prompt_depth: deeper than the text tower; found 3; allowed: at most 2"),
        ({"prompt_depth_vision": 4}, r"prompt_depth_vision: more blocks .*; found 4; allowed: at most 3"),
        (
            {"prompt_depth": 1, "vision_last": 1, "n_positions": 5, "omega": 1, "beta": 0},
            r"more positions .*; found 5; .*at most 4",
        ),
        ({"text_weight": -1.0}, r"text_weight: .*found -1"),
        ({"average": "mean"}, r"average: .*found \"mean\"; allowed: none, gaussian"),
        ({"average_std": 0.0}, r"average_std: .*found 0"),
    ):
        with pytest.raises(ns.UserError, match=told):
            ns.fit(vit, colours, {**SMALL, **own}, shots=1)
    with pytest.raises(ns.UserError, match=r"no blocks that vectors can be put before; found tiny-resnet"):
        ns.fit(tiny_resnet, colours, SMALL, shots=1)
