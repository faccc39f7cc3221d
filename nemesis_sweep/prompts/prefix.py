"""Prefix-tuning: learnt keys and values in every block of the text tower (Li & Liang, 2021)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from typing import ClassVar

import torch
from torch import Tensor, nn

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE
from nemesis_sweep.prompts.context import is_half, random_context
from nemesis_sweep.prompts.deep_text import depth
from nemesis_sweep.prompts.gradient_scale import scaled_gradients
from nemesis_sweep.prompts.learner import Learner
from nemesis_sweep.prompts.prefix_network import PrefixNetwork
from nemesis_sweep.prompts.text_classifier import TextClassifier
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import PrefixFields
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.layout import text_layout, word_places
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.prefixed import Entering, check_takes_prefix
from nemesis_sweep.vlm.states import keys_and_values
from nemesis_sweep.vlm.text import encode_prefixed
from nemesis_sweep.vlm.typical_norms import key_and_value_norms
from nemesis_sweep.vlm.variants import encode_prefix_variants

WORDS = "a photo of a"
"""What the first keys and values are those of, again and again, where no words are given."""


class Prefix(Learner):
    """R prefixes: ``prefix_keys`` and ``prefix_values`` ``(R, J, M, D)``, all heads side by side.

    In block l < J the attention of every token runs over [K_l; its visible keys] and [V_l; their values]. A
    prefix has no position and no outputs, and no mask hides it. The texts are a hand-written prompt with the
    class names; nothing in them is replaced.
    PUN and PAN see J * M positions, block after block: the norm of position (l, j) is ||K_lj|| + ||V_lj||,
    and PAN scales both.
    """

    tensors: ClassVar[tuple[str, ...]] = ("prefix_keys", "prefix_values")
    fields = PrefixFields
    prefix_keys: nn.Parameter
    prefix_values: nn.Parameter

    def __init__(
        self,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        values: Mapping[str, Tensor],
        template: str = DEFAULT_TEMPLATE,
    ) -> None:
        super().__init__(backbone, method, classnames, values, template)
        self.layout = backbone.template_layout(classnames, method.anchor_template or template)

    @classmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """The keys and values that the tower computes of words at their places: of "a photo of a", again and
        again up to M, each entry moved by N(0, 0.02^2); or exactly those of given words.

        Raises ``UserError`` for a depth that the tower does not have, and for towers that take no prefix.
        """
        if (network := cls.network(backbone, method, classnames, generators)) is not None:
            with torch.no_grad():
                produced: dict[str, Tensor] = network()
                return produced
        own = own_pairs(backbone, method)
        pairs = own.expand(len(generators), *own.shape)
        pairs = pairs.clone() if method.words else pairs + random_context(tuple(own.shape), generators)
        return {"prefix_keys": pairs[:, :, 0], "prefix_values": pairs[:, :, 1]}

    @classmethod
    def network(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> nn.Module | None:
        """With ``prefix_hidden`` the network that is learnt in place of the keys and values."""
        if method.prefix_hidden is None:
            return None
        return PrefixNetwork(own_pairs(backbone, method), method.prefix_hidden, generators)

    @property
    def pairs(self) -> Tensor:
        """Keys and values together, ``(R, J, 2, M, D)``."""
        return torch.stack([self.prefix_keys, self.prefix_values], dim=2)

    @property
    def n_vectors(self) -> int:
        return self.prefix_keys.shape[1] * self.prefix_keys.shape[2]

    @property
    def reduction(self) -> str:
        """The norms of a key and its value are added."""
        return "reference"

    def penalised(self, images: Tensor | None = None) -> Tensor:
        """Keys and values ``(R, 2, J * M, D)``."""
        return torch.stack([self.prefix_keys.flatten(1, 2), self.prefix_values.flatten(1, 2)], dim=1)

    def first_place(self, positions: Tensor) -> int:
        """The first block that has one of them."""
        return int(positions.min()) // self.prefix_keys.shape[2]

    def typical_norms(self, images: Tensor | None = None) -> Tensor:
        """Of each block: the mean norm of the keys of the texts, and of their values, added."""
        tower = self.backbone.text
        assert isinstance(tower, OpenClipTower)
        blocks, length = self.prefix_keys.shape[1:3]
        return key_and_value_norms(tower, self.layout).sum(dim=1)[:blocks].repeat_interleave(length)

    def classifier(self, *, variants: bool = False) -> TextClassifier:
        """Text features of all classes, and the states that variants of the prefix can use again."""
        tower, layout, pairs = self.backbone.text, self.layout, self.pairs
        kept: list[Entering | None] = []

        def encode(pairs: Tensor) -> Tensor:
            texts, states = encode_prefixed(tower, layout, pairs, keep=variants)
            kept.append(states)
            return texts

        texts = scaled_gradients(encode, pairs) if is_half(tower) else encode(pairs)
        if not variants:
            return TextClassifier(self.backbone, texts)

        def variants_of(positions: Tensor, by: Tensor) -> Tensor:
            return encode_prefix_variants(
                tower, layout, pairs, positions, by, states=kept[0], first=made.first
            )

        made = TextClassifier(self.backbone, texts, variants_of, variants_of)
        return made


def own_pairs(backbone: Backbone, method: Method) -> Tensor:
    """The tower's own keys and values of words at their places, ``(J, 2, M, D)``, fp32, on the CPU."""
    tower = backbone.text
    check_takes_prefix(tower)
    assert isinstance(tower, OpenClipTower)
    words = method.words.replace("_", " ") if method.words else ""
    text = words or " ".join(islice(cycle(WORDS.split()), method.n_ctx))
    layout = text_layout(backbone.tokenizer, [text])
    pairs = keys_and_values(tower, layout)[0, :, :, word_places(backbone.tokenizer, layout)]
    pairs = pairs[: depth(backbone, method)].float().cpu()
    return pairs if words else pairs[:, :, : method.n_ctx]
