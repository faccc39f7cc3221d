"""Text features the plain way: every token of every class through open_clip's own modules.

Slow and obviously right: the reference that the shared path is tested against, and the path of towers that
cannot share. `cut=True` leaves out what stands after the longest EOT, which a causal tower cannot see.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.tower import TextTower


def plain_features(tower: TextTower, layout: Layout, context: Tensor, *, cut: bool = False) -> Tensor:
    """Text features (R, C, E), not normalised, of context (R, C, M, D) in the tower's dtype."""
    length = int(layout.lengths.max()) if cut else layout.tokens.shape[1]
    replicates, classes = context.shape[:2]
    ids = layout.ids()[:, :length].to(context.device)
    embedded = splice(tower, layout, context, length).flatten(0, 1)  # (R * C, length, D)
    ids = ids.repeat(replicates, 1)
    pooled = pool_text(tower, embedded, ids)
    if isinstance(tower.text_projection, nn.Linear):
        pooled = tower.text_projection(pooled)
    elif tower.text_projection is not None:
        pooled = pooled @ tower.text_projection
    return pooled.unflatten(0, (replicates, classes))


def splice(tower: TextTower, layout: Layout, context: Tensor, length: int) -> Tensor:
    """Token embeddings (R, C, length, D) with the context vectors at their places, without positions."""
    tokens = layout.tokens[:, :length].to(context.device)
    slots = layout.slots[:, :length].to(context.device)
    words = tower.token_embedding(tokens).to(context.dtype)  # (C, length, D)
    if layout.n_ctx == 0:
        return words.expand(context.shape[0], *words.shape)
    rows = slots.clamp(min=0)[None, :, :, None].expand(*context.shape[:2], -1, context.shape[-1])
    vectors = context.gather(2, rows)  # (R, C, length, D)
    return torch.where((slots >= 0)[..., None], vectors, words)


def pool_text(tower: TextTower, embedded: Tensor, ids: Tensor) -> Tensor:
    """Run the transformer over embedded texts (N, length, D) and take the pooled position (N, D)."""
    from open_clip.transformer import text_global_pool

    x = embedded
    if tower.cls_emb is not None:
        x = torch.cat([x, tower.cls_emb.expand(len(x), 1, -1)], dim=1)
    x = x + tower.positional_embedding[: x.shape[1]]
    x = tower.transformer(x, attn_mask=_mask(tower, ids, x))
    if tower.cls_emb is not None:
        return tower.ln_final(text_global_pool(x, pool_type="last"))
    return text_global_pool(tower.ln_final(x), ids, tower.pool, eos_token_id=tower.eos_id)


def _mask(tower: TextTower, ids: Tensor, x: Tensor) -> Tensor | None:
    """The causal mask cut to the length, plus, where the tower masks padding, one mask per text and head."""
    length = x.shape[1]
    causal = None if tower.attn_mask is None else tower.attn_mask[:length, :length].to(x.dtype)
    if not tower.pad_mask:
        return causal
    seen = ids != tower.pad_id
    if tower.cls_emb is not None:
        # open_clip's published CoCa weights were trained with the class position masked at the wrong end.
        always = seen.new_ones(len(seen), 1)
        seen = torch.cat([seen, always] if tower.correct_cls_mask else [always, seen], dim=1)
    hidden = torch.zeros(seen.shape, dtype=x.dtype, device=x.device).masked_fill_(~seen, float("-inf"))
    padding = hidden[:, None, :].expand(-1, length, -1).repeat_interleave(tower.heads, dim=0)
    return padding if causal is None else causal + padding
