"""The contract of backbones: every family learns prompts, exactly, and survives being saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.store import FeatureStore
from nemesis_sweep.prompts.artifact import Prompt, load_prompt, save_prompt
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm import load_backbone as loading_module
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.building import build_model
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.text import choose_path, encode_text
from tests.virtual_gpu import DEVICE, VirtualGPU
from tests.vlm.conftest import difference, random_context, value_and_gradient
from tests.vlm.families import IMAGE_TOWERS, family_tokenizer, save_model, small_config, small_timm

NAMES = ["cat", "golden retriever", "old bus"]
PLAIN = {"ViT-L-14-CLIPA", "ViT-B-16-SigLIP", "ViT-B-16-SigLIP2", "coca_ViT-B-32", "MobileCLIP-S1"}


class Family:
    """A small model of an architecture, its backbone and its tokenizer."""

    def __init__(self, architecture: str) -> None:
        self.architecture = architecture
        self.config = small_config(architecture)
        self.tokenizer = family_tokenizer(architecture, self.config)
        with small_timm(architecture):
            self.model: Any = build_model(self.config)
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(1)
            for parameter in self.model.parameters():
                # Random initial towers map everything to nearly one point: nothing to learn there.
                parameter.add_(0.05 * torch.randn_like(parameter) if parameter.ndim else 0)
        self.backbone = backbone_from_open_clip(self.model, self.tokenizer, name=architecture)


@pytest.fixture(scope="module", params=sorted(IMAGE_TOWERS))
def family(request: pytest.FixtureRequest) -> Iterator[Family]:
    yield Family(request.param)


def through_the_model(model: Any, words: nn.Module, layout: Layout) -> Callable[[Tensor], Tensor]:
    """Features by the model's own `encode_text`, with context (1, M, D) put among what it embeds."""
    slots = layout.slots

    def encode(context: Tensor) -> Tensor:
        def put(_: nn.Module, __: Any, embedded: Tensor) -> Tensor:
            return torch.where(slots[..., None] >= 0, context[0, slots.clamp(min=0)], embedded)

        handle = words.register_forward_hook(put)
        try:
            return F.normalize(model.encode_text(layout.ids()), dim=-1)[None]
        finally:
            handle.remove()

    return encode


@pytest.mark.parametrize("position", ["end", "middle"])
def test_values_and_gradients_are_the_models_own(family: Family, position: str) -> None:
    tower = family.backbone.text
    layout = family.backbone.layout(NAMES, 3, position)
    context = random_context((1, 3, tower.width), dtype=torch.float32)
    own = value_and_gradient(through_the_model(family.model, tower.token_embedding, layout), context)
    for path in ("auto", "plain"):
        ours = value_and_gradient(lambda x, path=path: encode_text(tower, layout, x, path=path), context)
        assert difference(ours[0], own[0]) < 1e-5, path
        assert difference(ours[1], own[1]) < 1e-5, path
    assert choose_path(tower, layout) == ("plain" if family.architecture in PLAIN else "shared")


def test_prompts_learn(family: Family) -> None:
    backbone = family.backbone
    size = backbone.preprocess.image_size
    generator = torch.Generator().manual_seed(2)
    colours = torch.randn(3, 3, 1, 1, generator=generator).repeat_interleave(4, dim=0)
    pixels = 3 * colours + torch.randn(12, 3, size, size, generator=generator)
    images = backbone.encode_image(pixels).expand(2, -1, -1)
    labels = torch.arange(3).repeat_interleave(4).expand(2, -1)
    method = Method(n_ctx=3, omega=0.1, beta=0.5, epochs=40, lr=0.5)
    trainer = Trainer(backbone, NAMES, method, seeds=(1, 2))
    losses = [trainer.step(images, labels, epoch).cross_entropy for epoch in range(25)]
    assert bool((losses[-1] < losses[0] - 0.005).all()), (losses[0], losses[-1])
    assert not trainer.failed
    bias = trainer.backbone.logit_bias
    assert (bias is not None) == ("SigLIP" in family.architecture)


def test_what_is_saved_is_what_is_loaded(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tokenizers of the Hugging Face hub cannot be downloaded here; tests/vlm/test_hugging_face.py reads some.
    monkeypatch.setattr(loading_module, "make_tokenizer", lambda *_: family.tokenizer)
    mean = [0.5, 0.4, 0.3]
    folder = save_model(tmp_path / "m", family.model, family.config, mean=mean, resize_mode="squash")
    with small_timm(family.architecture):
        again = load_backbone(str(folder))
    before = family.backbone
    assert again.fingerprint == before.fingerprint
    assert (again.logit_scale, again.logit_bias) == (before.logit_scale, before.logit_bias)
    assert (again.preprocess.mean, again.preprocess.resize_mode) == (tuple(mean), "squash")
    context = random_context((1, 2, before.text_width), dtype=torch.float32).detach()
    learnt = Prompt({"context": context}, str(folder), again.fingerprint, NAMES, [1], {})
    save_prompt(tmp_path / "p", learnt)
    kept = load_prompt(tmp_path / "p")
    features = encode_text(again.text, again.layout(list(kept.classnames), 2), kept.context)
    expected = encode_text(before.text, before.layout(NAMES, 2), context)
    torch.testing.assert_close(features, expected, rtol=1e-6, atol=1e-6)


def test_images_are_cached_by_weights_and_transform(family: Family, colours: Dataset) -> None:
    items = colours.test[:3]
    store = FeatureStore(family.backbone, 1)
    features = store.features(items)
    assert features.shape == (3, 1, family.backbone.embed_dim)
    torch.testing.assert_close(features.norm(dim=-1), torch.ones(3, 1))
    assert torch.equal(FeatureStore(family.backbone, 1).features(items), features)
    other = replace(family.backbone.preprocess, resize_mode="squash", mean=(0.0, 0.0, 0.0))
    changed: Backbone = replace(family.backbone, preprocess=other)
    assert FeatureStore(changed, 1).folder != store.folder


def test_low_precision_is_near(family: Family) -> None:
    low = family.backbone.to(precision="bf16")
    layout = low.layout(NAMES, 2)
    context = random_context((1, 2, low.text_width), dtype=torch.float32).detach()
    near = encode_text(low.text, layout, context)
    exact = encode_text(family.backbone.text, layout, context)
    assert near.dtype == torch.float32
    assert difference(near, exact) < 0.05
    pixels = torch.randn(2, 3, *(2 * [low.preprocess.image_size]))
    assert difference(low.encode_image(pixels), family.backbone.encode_image(pixels)) < 0.1
    assert low.fingerprint == family.backbone.fingerprint


def test_a_step_and_an_image_wait_for_no_gpu(family: Family) -> None:
    """On a virtual GPU: tensors of one device, and no wait once the tower knows the prompts."""
    size = family.backbone.preprocess.image_size
    pixels = torch.randn(4, 3, size, size, generator=torch.Generator().manual_seed(0))
    method = Method(n_ctx=3, omega=1.0, beta=0.0, n_positions=2, epochs=5)
    images = F.normalize(torch.randn(2, 4, family.backbone.embed_dim), dim=-1)
    labels = torch.randint(len(NAMES), (2, 4))
    with VirtualGPU() as gpu:
        there = family.backbone.to(device=DEVICE)
        there.encode_image(pixels.to(DEVICE))
        trainer = Trainer(there, NAMES, method, seeds=(1, 2))
        trainer.step(images, labels, 0)
        gpu.forget()
        there.encode_image(pixels.to(DEVICE, non_blocking=True))
        trainer.step(images, labels, 1)
        assert not gpu.faults
        assert not gpu.waits
        assert not trainer.failed
