"""How long the vectors are that a text tower itself has where learnt ones stand."""

from __future__ import annotations

import torch
from torch import Tensor

from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.plain import splice


@torch.no_grad()
def embedding_norm(backbone: Backbone) -> Tensor:
    """The mean 2-norm of the tower's token embeddings, those that a model ships; a number, float64."""
    weight = next(backbone.text.token_embedding.parameters())
    norms = torch.linalg.vector_norm(weight, dim=-1, dtype=torch.float64)
    return norms[norms > 0].mean()


@torch.no_grad()
def state_norms(tower: OpenClipTower, texts: Layout) -> Tensor:
    """The mean 2-norms ``(layers - 1,)`` of the states that enter each block but the first, over all places
    of the texts between their first token and their end; float64."""
    found: list[Tensor] = []
    places = torch.arange(texts.tokens.shape[1])
    inside = ((places > 0) & (places < texts.lengths[:, None] - 1)).to(tower.device)

    def look(number: int, states: Tensor) -> Tensor:
        norms = torch.linalg.vector_norm(states[:, : inside.shape[1]], dim=-1, dtype=torch.float64)
        found.append(norms[inside].mean())
        return states

    nothing = torch.empty(1, texts.n_classes, 0, tower.width, device=tower.device, dtype=tower.dtype)
    embedded = splice(tower, texts, nothing, texts.tokens.shape[1])[0]
    tower.encode(embedded, texts.ids().to(tower.device), look)
    return torch.stack(found)
