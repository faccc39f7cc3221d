"""How long the vectors are that a text tower itself has where learnt ones stand."""

from __future__ import annotations

import torch
from torch import Tensor

from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.devices import to_device
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.states import entering, keys_and_values


@torch.no_grad()
def embedding_norm(backbone: Backbone) -> Tensor:
    """The mean 2-norm of the tower's token embeddings, those that a model ships; a number, float64."""
    weight = next(backbone.text.token_embedding.parameters())
    norms = torch.linalg.vector_norm(weight, dim=-1, dtype=torch.float64)
    return norms[norms > 0].mean()


def state_norms(tower: OpenClipTower, texts: Layout) -> Tensor:
    """The mean 2-norms ``(layers - 1,)`` of the states that enter each block but the first, over all places
    of the texts between their first token and their end; float64."""
    inside = _inside(tower, texts)
    return torch.stack([_mean_norm(states, inside) for states in entering(tower, texts)[1:]])


def key_and_value_norms(tower: OpenClipTower, texts: Layout) -> Tensor:
    """Those of the keys and the values in each block, ``(layers, 2)``, over the same places; float64."""
    inside, pairs = _inside(tower, texts), keys_and_values(tower, texts)
    return torch.stack([_mean_norm(each, inside) for each in pairs.flatten(1, 2).unbind(1)]).view(-1, 2)


def _inside(tower: OpenClipTower, texts: Layout) -> Tensor:
    """Which places of the texts ``(C, L)`` stand between their first token and their end."""
    places = torch.arange(texts.tokens.shape[1])
    return to_device((places > 0) & (places < texts.lengths[:, None] - 1), tower.device)


def _mean_norm(rows: Tensor, inside: Tensor) -> Tensor:
    return torch.linalg.vector_norm(rows, dim=-1, dtype=torch.float64)[inside].mean()
