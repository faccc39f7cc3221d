"""What a dual encoder of transformers is taken apart into: a text model, an image model, and a scale."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from nemesis_sweep.vlm.dual_encoders.handing import handed, takes_vectors


class TextModel(nn.Module, ABC):
    """The text side of a family: vectors of tokens in, states, and of those one feature.

    embedding: ids to vectors (..., D). heads, layers: of its transformer. width: D. dim: E, the length of a
    feature. facts: what decides what is computed beside the weights, for the identity of the tower.
    """

    def __init__(self, config: Any, dim: int) -> None:
        super().__init__()
        self.heads, self.layers = int(config.num_attention_heads), int(config.num_hidden_layers)
        self.dim = dim
        self.facts = facts_of(config)

    @property
    @abstractmethod
    def embedding(self) -> nn.Module:
        """The layer among whose outputs context vectors stand."""

    @abstractmethod
    def states(self, embedded: Tensor, ids: Tensor, seen: Tensor | None) -> Tensor:
        """States (N, L, D') of texts (N, L, D). seen: (N, L), 1 where there is no padding; None where padding
        is read like words."""

    @abstractmethod
    def feature(self, states: Tensor, seen: Tensor | None) -> Tensor:
        """Features (N, E), not normalised, of the states."""


class ImageModel(nn.Module, ABC):
    """The image side of a family: preprocessed pixels (B, 3, H, W) to features (B, E), not normalised.

    image_size: H and W, None where it takes any. queries: Q, where an image has so many features (B, Q, E),
    of which the nearest to a text counts; 0 where it has one.
    """

    queries = 0

    def __init__(self, config: Any) -> None:
        super().__init__()
        size = getattr(config, "image_size", None)
        self.image_size = None if size is None else int(size)
        self.facts = facts_of(config)

    def __repr__(self) -> str:
        """What is computed, in words that do not change with the version of transformers."""
        return f"{type(self).__name__}({self.facts})"


class FirstStateImage(ImageModel):
    """An image model whose first state (the class token's) is projected."""

    def __init__(self, encoder: Any, projection: nn.Module, config: Any) -> None:
        super().__init__(config)
        self.encoder, self.projection = encoder, projection

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (B, E) of pixels (B, 3, H, W)."""
        projected: Tensor = self.projection(self.encoder(pixel_values=pixels).last_hidden_state[:, 0])
        return projected


class PooledImage(ImageModel):
    """An image model that pools by itself. projection: of what is pooled, by default none."""

    def __init__(self, encoder: Any, config: Any, projection: nn.Module | None = None) -> None:
        super().__init__(config)
        self.encoder, self.projection = encoder, projection or nn.Identity()

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (B, E) of pixels (B, 3, H, W)."""
        projected: Tensor = self.projection(self.encoder(pixel_values=pixels).pooler_output)
        return projected


@dataclass(frozen=True, eq=False)
class Parts:
    """logit_scale: the factor on cosines, exponentiated, None where the weights have none. logit_bias: what
    is added to them, or None."""

    text: TextModel
    image: ImageModel
    logit_scale: float | None
    logit_bias: float | None = None


class FirstState(TextModel):
    """A text model that takes vectors (`inputs_embeds`), and whose first state is projected."""

    def __init__(self, encoder: Any, projection: nn.Module, config: Any, dim: int) -> None:
        super().__init__(config, dim)
        self.encoder, self.projection = encoder, projection

    @property
    def embedding(self) -> nn.Module:
        found: nn.Module = self.encoder.get_input_embeddings()
        return found

    def states(self, embedded: Tensor, ids: Tensor, seen: Tensor | None) -> Tensor:
        # A copy: some add positions to it in place.
        found: Tensor = self.encoder(inputs_embeds=embedded.clone(), attention_mask=seen).last_hidden_state
        return found

    def feature(self, states: Tensor, seen: Tensor | None) -> Tensor:
        projected: Tensor = self.projection(states[:, 0])
        return projected


def clip_like_parts(model: Any, text: type[FirstState] = FirstState) -> Parts:
    """Of a model with the attributes of transformers' `CLIPModel`. text: which text state is projected."""
    config = model.config
    return Parts(
        text(model.text_model, model.text_projection, config.text_config, int(config.projection_dim)),
        PooledImage(model.vision_model, config.vision_config, model.visual_projection),
        logit_scale=exponentiated(model.logit_scale),
    )


class FirstStateByIds(FirstState):
    """The same of a text model that takes ids alone: the vectors are handed to its embedding layer."""

    def __init__(self, encoder: Any, projection: nn.Module, config: Any, dim: int) -> None:
        super().__init__(encoder, projection, config, dim)
        takes_vectors(self.embedding)

    def states(self, embedded: Tensor, ids: Tensor, seen: Tensor | None) -> Tensor:
        with handed(embedded):
            found: Tensor = self.encoder(input_ids=ids, attention_mask=seen).last_hidden_state
        return found


_DECIDE = (
    "hidden_act",
    "layer_norm_eps",
    "num_attention_heads",
    "num_hidden_layers",
    "image_size",
    "patch_size",
)


def facts_of(config: Any) -> str:
    """What decides what a tower computes beside its weights, in one line."""
    there = {name: getattr(config, name) for name in _DECIDE if getattr(config, name, None) is not None}
    return ", ".join([config.model_type, *(f"{name} {value}" for name, value in there.items())])


def exponentiated(logit_scale: Tensor) -> float:
    """The factor on cosines of its logarithm."""
    return float(logit_scale.detach().exp())
