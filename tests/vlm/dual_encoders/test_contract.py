"""The contract of transformers' dual encoders: vectors handed in, and all else is the model's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.prompts.text_classifier import cosine_logits
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.dual_encoders.families import USUAL_SCALE
from nemesis_sweep.vlm.text import choose_path, encode_text
from tests.vlm.conftest import difference, random_context, value_and_gradient
from tests.vlm.dual_encoders.conftest import Tiny
from tests.vlm.dual_encoders.own import TEXTS, images_of, logits_of
from tests.vlm.dual_encoders.tiny import NAMES, SIZE


def pixels(count: int = 2) -> Tensor:
    return torch.randn(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(3))


def put_among(embedding: torch.nn.Module, ids: Tensor, slots: Tensor, context: Tensor) -> Callable[[], None]:
    """Let the model's own embedding layer give context vectors (1, M, D) at their places."""

    def put(module: object, args: object, embedded: Tensor) -> Tensor:
        return torch.where(slots[:, : ids.shape[1], None] >= 0, context[0, slots.clamp(min=0)], embedded)

    return embedding.register_forward_hook(put).remove


def test_its_own_embeddings_in_are_its_own_features_out(each: Tiny) -> None:
    tower = each.backbone.text
    layout = each.backbone.layout(NAMES, 3)
    words = tower.token_embedding(torch.full((1, 3), layout.placeholder)).detach()
    with torch.no_grad():
        own = TEXTS[each.family.model_type](each.model, layout.ids())
        ours = encode_text(tower, layout, words, path="plain", normalised=False)[0]
    # FLAVA's own code projects every state, and so rounds otherwise; CLIP is run by open_clip's code.
    if each.family.model_type == "flava" or each.family.is_open_clips:
        torch.testing.assert_close(ours, own, rtol=1e-6, atol=1e-6)
    else:
        assert torch.equal(ours, own)


def test_logits_are_those_of_its_forward_pass(each: Tiny) -> None:
    backbone, given, texts = each.backbone, pixels(), ["a red bus", "an old cat"]
    with torch.no_grad():
        own = logits_of(each.family.model_type, each.model, backbone.tokenizer(texts), given)
    ours = cosine_logits(backbone.encode_image(given), backbone.encode_texts(texts), backbone)
    if own is None:
        assert backbone.logit_scale == pytest.approx(each.model.logit_scale.exp().item())
    else:
        torch.testing.assert_close(ours, own, rtol=1e-4, atol=1e-4)


def test_images_are_its_own(each: Tiny) -> None:
    given = pixels()
    with torch.no_grad():
        own = images_of(each.family.model_type, each.model, given)
    torch.testing.assert_close(
        each.backbone.encode_image(given), F.normalize(own, dim=-1), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("position", ["end", "middle"])
def test_gradients_are_its_own_whichever_path_is_taken(each: Tiny, position: str) -> None:
    tower = each.backbone.text
    layout = each.backbone.layout(NAMES, 3, position)
    named = ("text_model", "text_encoder", "embeddings")
    text_model = next(getattr(each.model, name) for name in named if hasattr(each.model, name))
    words = getattr(text_model, "word_embeddings", None)  # BLIP-2's
    embedding = words or text_model.get_input_embeddings()

    def through_the_model(context: Tensor) -> Tensor:
        remove = put_among(embedding, layout.ids(), layout.slots, context)
        try:
            return TEXTS[each.family.model_type](each.model, layout.ids())[None]
        finally:
            remove()

    context = random_context((1, 3, tower.width), dtype=torch.float32)
    own = value_and_gradient(through_the_model, context)
    assert float(own[1].norm()) > 0
    for path in ("auto", "plain"):
        ours = value_and_gradient(
            lambda x, path=path: encode_text(tower, layout, x, path=path, normalised=False), context
        )
        assert difference(ours[0], own[0]) < 1e-5, path
        assert difference(ours[1], own[1]) < 1e-5, path
    assert choose_path(tower, layout) == each.family.path


def test_low_precision_is_near(each: Tiny) -> None:
    low = each.backbone.to(precision="bf16")
    context = random_context((1, 2, low.text_width), dtype=torch.float32).detach()
    near, exact = (encode_text(one.text, one.layout(NAMES, 2), context) for one in (low, each.backbone))
    assert near.dtype == torch.float32
    assert difference(near, exact) < 0.05
    assert difference(low.encode_image(pixels()), each.backbone.encode_image(pixels())) < 0.1
    assert low.fingerprint == each.backbone.fingerprint


def test_prompts_learn(each: Tiny) -> None:
    backbone = each.backbone
    images = F.normalize(
        torch.randn(2, 9, *backbone.image_shape(), generator=torch.Generator().manual_seed(1)), dim=-1
    )
    labels = torch.arange(3).repeat(3).expand(2, -1)
    trainer = Trainer(backbone, NAMES, Method(n_ctx=3, omega=0.1, beta=0.5, epochs=40, lr=0.1), seeds=(1, 2))
    losses = [trainer.step(images, labels, epoch).cross_entropy for epoch in range(15)]
    assert float((losses[0] - losses[-1]).mean()) > 0.005, (losses[0], losses[-1])


def test_a_scale_that_no_weights_hold_is_the_usual_one_until_another_is_given(each: Tiny) -> None:
    other = each.backbone.scaled(20)
    assert each.backbone.scale_stored == each.family.stores_scale
    if each.family.stores_scale:
        assert other is each.backbone
        assert each.backbone.chosen_scale is None
    else:
        assert (each.backbone.logit_scale, other.logit_scale) == (USUAL_SCALE, 20)
        assert other.chosen_scale == 20
        assert other.fingerprint == each.backbone.fingerprint
