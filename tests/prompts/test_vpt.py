"""VPT beside the contract of all kinds: from pixels through the store, in passes, its own refusals."""

import pytest
import torch
from open_clip.transformer import QuickGELU, VisionTransformer
from torch.nn.functional import normalize

import nemesis_sweep as ns
from nemesis_sweep.data.encode import encode_items
from nemesis_sweep.data.store import FeatureStore
from nemesis_sweep.prompts import image_passes as module
from nemesis_sweep.testing.tiny_backbones import tiny_backbone as made_backbone
from nemesis_sweep.training.classifier import Classifier
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.image_states import PromptedTower
from tests.data.test_store import plain_features
from tests.prompts.test_contract import NAMES, batch, made
from tests.vlm.test_image_states import the_long_way

DEEP = {"prompt": "vpt", "n_ctx_vision": 2, "views": 1, "epochs": 2, "batch": 4}


@pytest.fixture(scope="module", name="vit")
def _vit():
    return made_backbone("pixels")


class Pixels:
    """A backbone whose features of an image are its pixels."""

    def __init__(self, backbone):
        self.preprocess = backbone.preprocess

    def encode_image(self, pixels):
        return pixels


@pytest.mark.parametrize("own", [{}, {"vision_last": 2}, {"vision_last": 3, "prompt_depth_vision": 1}])
def test_from_the_store_to_the_test_as_from_pixels_the_long_way(vit, colours, own, tmp_path):
    """Encoded up to a block, kept, trained on, tested, saved, used: logits are those of the whole tower."""
    result = ns.fit(vit, colours, {**DEEP, **own, "omega": 1, "beta": 0}, shots=2, seeds=(1, 2))
    items = colours.test
    pixels = plain_features(Pixels(vit), items, [-1])[:, 0].contiguous()
    texts = vit.encode_texts([colours.template.replace("{}", name.replace("_", " ")) for name in NAMES_OF])
    labels = torch.tensor([item.label for item in items])
    result.save(tmp_path)
    found = Classifier(ns.load_prompt(tmp_path), vit).probabilities([item.content for item in items])
    wanted = 0
    for r, vectors in enumerate(result.prompt.tensors["visual"]):
        features = normalize(the_long_way(vit.visual, pixels, vectors, own.get("vision_last", 3)), dim=-1)
        logits = vit.logit_scale * features @ texts.T
        right = 100 * float((logits.argmax(dim=1) == labels).double().mean())
        assert abs(result.metrics["test/accuracy"][r] - right) < 1e-6
        loss = float(torch.nn.functional.cross_entropy(logits, labels))
        assert abs(result.metrics["test/loss"][r] - loss) < 1e-5
        wanted = wanted + logits.softmax(dim=1) / 2
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


NAMES_OF = ("red", "green", "blue", "dark_grey")


def test_states_before_other_blocks_are_stores_of_their_own(vit, colours, tmp_path):
    stores = {reads: FeatureStore(vit, 1, tmp_path, reads=reads) for reads in READS}
    assert len({store.folder for store in stores.values()}) == len(READS)
    for reads, store in stores.items():
        found = store.features(colours.val[:3])
        wanted = torch.from_numpy(encode_items(vit, colours.val[:3], [-1], reads=reads))
        torch.testing.assert_close(found, wanted)
    assert stores["states-2"].features(colours.val[:3]).shape == (3, 1, 5, 64)
    pixels = stores["pixels"].features(colours.val[:3][::-1])
    assert pixels.shape == (3, 1, 32, 32, 3) and pixels.dtype == torch.uint8
    assert torch.equal(
        pixels, FeatureStore(vit, 1, tmp_path, reads="pixels").features(colours.val[:3]).flip(0)
    )
    assert stores["pixels"].features([]).dtype == torch.uint8


READS = ("pooled", "pixels", "states-1", "states-2")


def test_features_before_another_block_are_refused(vit, colours):
    """Though they have the same shape."""
    features = ns.episode_features(colours, vit, 1, (1,), 1, reads="states-1")
    method = ns.Method(prompt="vpt", n_ctx_vision=2, vision_last=2, epochs=1, views=1)
    with pytest.raises(ns.UserError, match=r"another kind; found \(5, 64\), states-1; .*reads='states-2'"):
        ns.TrainingRun(vit, colours.classnames, method, (1,), features)


@pytest.mark.parametrize("penalty", ["PAN", "none"])
def test_a_batch_that_goes_in_passes_gives_the_same(vit, monkeypatch, penalty):
    """Gradients and positions, and an evaluation image by image."""
    steps, found = [], []
    for most in (2**31, 1):
        monkeypatch.setattr(module, "PASS_BYTES", most)
        trainer = Trainer(vit, NAMES, made("vpt", penalty, norm="relative"), (1, 2))
        images, labels = batch(trainer.learner, 2)
        steps.append(trainer.step(images, labels, 1, torch.tensor([[0, 4, 7], [8, 1, 3]])))
        gradient = trainer.learner.visual.grad
        found.append((gradient, *evaluate(images, labels, trainer.learner.classifier())))
        assert trainer.learner.classifier().chunk == (1 if most == 1 else trainer.learner.classifier().chunk)
    assert torch.equal(steps[0].selected, steps[1].selected)
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_variants_go_on_from_the_first_block_that_differs(vit, monkeypatch):
    trainer = Trainer(vit, NAMES, made("vpt"), (1, 2))
    learner = trainer.learner
    images, _ = batch(learner, 2)
    classifier = learner.classifier(variants=True)
    classifier(images)
    positions, scales = torch.tensor([[4, 8], [7, 3]]), torch.tensor([[0.3, 0.0], [3.0, 0.5]])
    whole = classifier.rescaled(images, positions, scales)
    begun = []
    real = type(learner.tower).features

    def noted(self, states, vectors, begin=0, entering=None):
        begun.append(begin)
        return real(self, states, vectors, begin, entering)

    monkeypatch.setattr(type(learner.tower), "features", noted)
    classifier.first = learner.first_place(positions)
    torch.testing.assert_close(classifier.rescaled(images, positions, scales), whole, rtol=1e-5, atol=1e-5)
    assert begun == [1]


def test_what_norms_are_relative_to_stays_through_a_checkpoint(vit):
    """It is of the first batch, which a resumed training does not see."""
    whole, resumed = (Trainer(vit, NAMES, made("vpt", "PUN", norm="relative"), (1, 2)) for _ in range(2))
    for number in range(3):
        images, labels = batch(whole.learner, 2, seed=number)
        if number == 2:
            resumed.load_state(whole.state())
            resumed.step(images, labels, number)
        whole.step(images, labels, number)
    assert torch.equal(whole.learner.visual, resumed.learner.visual)


def test_what_it_cannot_do_is_refused(vit, tiny_resnet, colours):
    for own, told in (
        (
            {"vision_last": 4},
            r"vision_last: more blocks than the image tower has; found 4; allowed: at most 3",
        ),
        ({"prompt_depth_vision": 4}, r"prompt_depth_vision: more blocks .*; found 4; allowed: at most 3"),
        ({"vision_last": 1, "prompt_depth_vision": 2}, r"found 2; allowed: at most 1"),
        (
            {"vision_last": 1, "n_positions": 3, "omega": 1, "beta": 0},
            r"more positions .*; found 3; .*at most 2",
        ),
        ({"n_ctx": 4}, r"n_ctx: vpt has no n_ctx"),
        ({"vision_last": 0}, r"vision_last: .*found 0"),
    ):
        with pytest.raises(ns.UserError, match=told):
            ns.fit(vit, colours, {**DEEP, **own}, shots=1)
    with pytest.raises(
        ns.UserError, match=r"no blocks that vectors can be put before; found tiny-resnet; .*ViT"
    ):
        ns.fit(tiny_resnet, colours, DEEP, shots=1)


def test_the_published_start_and_class_features(vit, colours):
    result = ns.fit(vit, colours, {**DEEP, "anchor_template": "art of {}."}, shots=1)
    assert result.prompt.tensors["visual"].shape == (3, 3, 2, 64)
    learner = Trainer(vit, NAMES, ns.read_method({**DEEP, "n_ctx_vision": 200}), (1,), "a {} thing").learner
    assert abs(float(learner.visual.detach().std()) - 0.02) < 0.001
    torch.testing.assert_close(learner.anchors, vit.encode_texts([f"a {name} thing" for name in NAMES]))


@pytest.mark.parametrize("act", [torch.nn.GELU, QuickGELU])
def test_a_pass_holds_no_more_than_it_is_taken_for(act):
    """What autograd keeps of an image, against what passes are made by."""
    visual = (
        VisionTransformer(64, 16, 64, 3, 2, 4.0, output_dim=32, act_layer=act).eval().requires_grad_(False)
    )
    tower, kept = PromptedTower(visual), {}
    weights = {each.untyped_storage().data_ptr() for each in visual.parameters()}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    vectors = torch.randn(1, 3, 2, 64, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        tower.features(torch.randn(20, 17, 64), vectors)
    held = sum(size for place, size in kept.items() if place not in weights)
    assert 0.2 * tower.bytes_each(2, trained=True) < held / 20 < tower.bytes_each(2, trained=True)
