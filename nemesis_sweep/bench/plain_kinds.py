"""Every kind of prompt the plain way: each context by itself, all its tokens, on cached image features, or
with the whole image tower where it is part of the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.bench.workload import Workload
from nemesis_sweep.prompts.tcp import class_block
from nemesis_sweep.vlm.class_aware import encode_class_aware
from nemesis_sweep.vlm.image_states import states_shape, token_states
from nemesis_sweep.vlm.text import encode_text

Values = Mapping[str, Tensor]
"""The tensors of one replicate, by name."""
Features = tuple[Tensor, Tensor]
"""Of images ``(B, E)`` and of texts ``(C, E)``, L2-normalised."""


@dataclass(frozen=True)
class PlainKind:
    """What a kind makes of images, tensors and factors ``(P,)`` of its vectors.

    answer: logits ``(B, C)``; of kinds that have a term of their own the features whose scaled cosines these
    are. term: that of the loss, of the images and these features. vectors: those that are penalised, ``(R,
    ..., P, D)``, from the tensors of all replicates; reduction: how the norms of those at one position become
    one. of_pixels: whether images are ``(B, 3, H, W)``, because their tower is part of the step.
    """

    answer: Callable[[Workload, Values, Tensor, Tensor], Tensor | Features]
    term: Callable[[Workload, Tensor, Features], Tensor] | None = None
    vectors: Callable[[Values], Tensor] = lambda values: values["context"]
    of_pixels: bool = False
    reduction: str = "mean"


def _texts(workload: Workload, context: Tensor) -> Tensor:
    """Text features ``(C, E)`` of one context ``(M, D)``, all tokens of every class."""
    return encode_text(workload.backbone.text, workload.layout, context[None], path="plain")[0]


def logits_of(workload: Workload, cosines: Tensor) -> Tensor:
    """Logits of cosines."""
    logits = workload.backbone.logit_scale * cosines
    return logits if workload.backbone.logit_bias is None else logits + workload.backbone.logit_bias


def _coop(workload: Workload, values: Values, images: Tensor, factors: Tensor) -> Tensor:
    return logits_of(workload, images @ _texts(workload, values["context"] * factors[:, None]).T)


def _kgcoop(workload: Workload, values: Values, images: Tensor, factors: Tensor) -> Features:
    return images, _texts(workload, values["context"] * factors[:, None])


def _to_template(workload: Workload, images: Tensor, found: Features) -> Tensor:
    cosines = F.cosine_similarity(found[1], workload.anchors, dim=-1)
    return workload.method.anchor_weight * (1 - cosines.mean())


def _cocoop(workload: Workload, values: Values, images: Tensor, factors: Tensor) -> Tensor:
    """One image after the other, as the public code has it."""
    hidden = F.relu(F.linear(images, values["hidden_weight"], values["hidden_bias"]))
    shifts = F.linear(hidden, values["shift_weight"], values["shift_bias"])
    rows = [
        _texts(workload, (values["context"] + shift) * factors[:, None]) @ image
        for image, shift in zip(images, shifts, strict=True)
    ]
    return logits_of(workload, torch.stack(rows))


def _plot(workload: Workload, values: Values, images: Tensor, factors: Tensor) -> Tensor:
    """One prompt after the other, then the public code's rounds over all images and classes at once."""
    texts = torch.stack([_texts(workload, context * factors[:, None]) for context in values["context"]])
    cosines = torch.einsum("bqe,nce->bcqn", images, texts)
    with torch.no_grad():
        kernel = torch.exp(-(1 - cosines) / 0.1)
        parts, prompts = kernel.shape[2:]
        r, c = torch.ones_like(kernel[..., 0]), torch.ones_like(kernel[:, :, 0])
        for _ in range(workload.method.transport_rounds):
            r = (1 / parts) / (kernel @ c[..., None])[..., 0]
            c = (1 / prompts) / (kernel.mT @ r[..., None])[..., 0]
        plan = r[..., None] * kernel * c[..., None, :]
    return logits_of(workload, (plan * cosines).sum(dim=(2, 3)))


def _all_blocks(values: Values) -> Tensor:
    """Vectors ``(R, J * M, D)`` of all blocks."""
    return torch.cat([values["context"][:, None], values["deep"]], dim=1).flatten(1, 2)


def _texts_of_blocks(workload: Workload, values: Values, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Text features (C, E) and the vectors (J, M, D) of all blocks."""
    own = {name: value[None] for name, value in values.items()}
    scaled = _all_blocks(own) * factors[:, None]
    vectors = scaled.unflatten(1, (-1, workload.layout.n_ctx))
    texts = encode_text(
        workload.backbone.text, workload.layout, vectors[:, 0], deep=vectors[:, 1:], path="plain"
    )
    return texts[0], vectors[0]


def _deep_text(workload: Workload, values: Values, images: Tensor, factors: Tensor) -> Tensor:
    return logits_of(workload, images @ _texts_of_blocks(workload, values, factors)[0].T)


def _produced(values: Values) -> Tensor:
    """The context (M, D) that P-tuning's networks make of one replicate's embeddings, by torch's own LSTM."""
    x = values["embedding"]
    if "lstm.0.input_weight" in values:
        names = ("input_weight", "state_weight", "input_bias", "state_bias")
        each = [
            [values[f"lstm.{layer}.{name}"][direction] for name in names]
            for layer in range(2)
            for direction in range(2)
        ]
        zeros = x.new_zeros(len(each), 1, each[0][1].shape[1])
        weights = [weight for own in each for weight in own]
        x = torch.lstm(x[None], (zeros, zeros), weights, True, 2, 0.0, True, True, True)[0][0]
    for number in range(sum(name.endswith(".weight") for name in values)):
        inner = x.relu() if number else x
        x = F.linear(inner, values[f"layers.{number}.weight"], values[f"layers.{number}.bias"])
    return x


def _all_produced(values: Values) -> Tensor:
    replicates = range(len(values["embedding"]))
    return torch.stack([_produced({name: value[r] for name, value in values.items()}) for r in replicates])


def _ptuning(workload: Workload, values: Values, images: Tensor, factors: Tensor) -> Tensor:
    return _coop(workload, {"context": _produced(values)}, images, factors)


def _seen(workload: Workload, own_vectors: Tensor, pixels: Tensor) -> Tensor:
    """Features (B, E) from the pixels on, through every block, with vectors (J, P, W) before some; the
    gradient goes as far back as vectors stand."""
    tower: Any = workload.backbone.visual
    vectors = own_vectors.to(pixels.dtype)[:, None].expand(-1, len(pixels), -1, -1)  # (J, B, P, W)
    first = len(tower.transformer.resblocks) - (workload.method.vision_last or 0)
    first = 0 if workload.method.vision_last is None else first
    x = token_states(tower, pixels)
    own = x.shape[1]
    x = x if first == 0 else tower.ln_pre(x)
    for number, block in enumerate(tower.transformer.resblocks):
        if 0 <= number - first < len(vectors):
            x = torch.cat([x[:, :own], vectors[number - first]], dim=1)
        x = block(tower.ln_pre(x) if number == first == 0 else x)
    features = tower.ln_post(x[:, 0]) @ tower.proj
    return F.normalize(features.to(own_vectors.dtype), dim=-1)


def _vpt(workload: Workload, values: Values, pixels: Tensor, factors: Tensor) -> Tensor:
    vectors = (values["visual"].flatten(0, 1) * factors[:, None]).view_as(values["visual"])
    return logits_of(workload, _seen(workload, vectors, pixels) @ workload.anchors.T)


def _maple(workload: Workload, values: Values, pixels: Tensor, factors: Tensor) -> Tensor:
    texts, vectors = _texts_of_blocks(workload, values, factors)
    projected = vectors @ values["projection"].mT + values["projection_bias"][:, None]
    return logits_of(workload, _seen(workload, projected, pixels) @ texts.T)


def _of_both_towers(values: Values) -> Tensor:
    """Vectors ``(R, P, D)`` of the text tower, then those of the image tower, zeros behind the shorter."""
    both = _all_blocks(values), values["visual"].flatten(1, 2)
    width = max(each.shape[-1] for each in both)
    return torch.cat([F.pad(each, (0, width - each.shape[-1])) for each in both], dim=1)


def _promptsrc(workload: Workload, values: Values, pixels: Tensor, factors: Tensor) -> Features:
    visual = values["visual"]
    own = visual.shape[0] * visual.shape[1]
    vectors = (visual.flatten(0, 1) * factors[-own:, None]).view_as(visual)
    texts = {name: values[name] for name in ("context", "deep")}
    return _seen(workload, vectors, pixels), _texts_of_blocks(workload, texts, factors[:-own])[0]


def _to_frozen(workload: Workload, pixels: Tensor, found: Features) -> Tensor:
    method, (images, texts), anchors = workload.method, found, workload.ensemble
    with torch.no_grad():
        none = images.new_empty(1, 0, states_shape(workload.backbone.visual)[1])
        frozen = _seen(workload, none, pixels)
        zero_shot = logits_of(workload, frozen @ anchors.T).log_softmax(dim=1)
    logits = logits_of(workload, images @ texts.T)
    of_logits = F.kl_div(logits.log_softmax(dim=1), zero_shot, reduction="sum", log_target=True)
    return (
        method.text_weight * F.l1_loss(texts, anchors)
        + method.image_weight * F.l1_loss(images, frozen)
        + method.logit_weight * of_logits / logits.numel()
    )


def _pairs(values: Values) -> Tensor:
    """Keys and values ``(R, 2, J * M, D)`` of all blocks."""
    return torch.stack([values["prefix_keys"], values["prefix_values"]], dim=1).flatten(2, 3)


def _prefix(workload: Workload, values: Values, images: Tensor, factors: Tensor) -> Tensor:
    blocks, length = values["prefix_keys"].shape[:2]
    scaled = _pairs({name: value[None] for name, value in values.items()}) * factors[:, None]
    prefix = scaled.unflatten(2, (blocks, length)).transpose(1, 2)
    tower, layout = workload.backbone.text, workload.template
    nothing = prefix.new_empty(1, 0, tower.width)
    return logits_of(workload, images @ encode_text(tower, layout, nothing, prefix=prefix, path="plain")[0].T)


def _tcp(workload: Workload, values: Values, images: Tensor, factors: Tensor) -> Features:
    backbone, context = workload.backbone, values["context"] * factors[:, None]
    inner = F.linear(workload.anchors, values["inner_weight"], values["inner_bias"])
    made = F.linear(inner * torch.sigmoid(1.702 * inner), values["outer_weight"], values["outer_bias"])
    vectors = made.unflatten(1, tuple(context.shape))[None]
    block = class_block(backbone, workload.method)
    texts, _ = encode_class_aware(backbone.text, workload.layout, context[None], vectors, block, path="plain")
    return images, texts[0]


PLAIN_KINDS = {
    "coop": PlainKind(_coop),
    "kgcoop": PlainKind(_kgcoop, _to_template),
    "cocoop": PlainKind(_cocoop),
    "plot": PlainKind(_plot),
    "deep_text": PlainKind(_deep_text, vectors=_all_blocks),
    "ptuning": PlainKind(_ptuning, vectors=_all_produced),
    "vpt": PlainKind(_vpt, vectors=lambda values: values["visual"].flatten(1, 2), of_pixels=True),
    "prefix": PlainKind(_prefix, vectors=_pairs, reduction="reference"),
    "maple": PlainKind(_maple, vectors=_all_blocks, of_pixels=True),
    "promptsrc": PlainKind(_promptsrc, _to_frozen, vectors=_of_both_towers, of_pixels=True),
    "tcp": PlainKind(_tcp, _to_template),
}
