"""A frozen view of open_clip's own text transformer, and whether its prompts can share computation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.prefixed_block import prefixed_block
from nemesis_sweep.vlm.tower import TextTower

Put = Callable[[int, Tensor], Tensor]
"""The number of a block, from 1, and the states (N, L, D) that would enter it, to those that do."""

_PARTS = (
    "token_embedding",
    "positional_embedding",
    "transformer",
    "ln_final",
    "text_projection",
    "attn_mask",
    "cls_emb",
)


@dataclass(frozen=True, eq=False)
class OpenClipTower(TextTower):
    """The parts of a text tower that an encoder of context vectors needs; nothing in it requires gradients.

    transformer: open_clip's Transformer (`resblocks`), called by the plain path.
    positional_embedding: (L, D), one row more where a class embedding is appended (CoCa).
    ln_final, text_projection: (D, E) tensor, linear layer, or None.
    attn_mask: (L, L) additive causal mask, or None where attention looks both ways.
    pool: `argmax` (highest id), `eos` (first `eos_id`), `first`, `last`.
    cls_emb: (D,) embedding appended to each text (CoCa) or None; pad_mask: padding is masked out.
    """

    token_embedding: nn.Embedding
    positional_embedding: Tensor
    transformer: nn.Module
    ln_final: nn.Module
    text_projection: Tensor | nn.Linear | None
    attn_mask: Tensor | None
    context_length: int
    heads: int
    pool: str
    eos_id: int = 2
    cls_emb: Tensor | None = None
    pad_id: int = 0
    pad_mask: bool = False
    correct_cls_mask: bool = False
    reason: str = field(default="")

    @property
    def width(self) -> int:
        return self.token_embedding.embedding_dim

    @property
    def embed_dim(self) -> int:
        if self.text_projection is None:
            return self.width
        if isinstance(self.text_projection, nn.Linear):
            return self.text_projection.out_features
        return self.text_projection.shape[1]

    @property
    def blocks(self) -> list[Any]:
        return list(self.transformer.resblocks)  # type: ignore[arg-type]

    @property
    def layers(self) -> int:
        return len(self.blocks)

    @property
    def causal(self) -> bool:
        return self.attn_mask is not None

    @property
    def structure(self) -> str:
        return f"{self.transformer}{self.pool}"

    def parts(self) -> dict[str, nn.Module | Tensor]:
        found = {name: getattr(self, name) for name in _PARTS}
        return {name: part for name, part in found.items() if part is not None}

    def to(self, target: torch.dtype | torch.device | str) -> OpenClipTower:
        """A copy of this tower in another dtype or on another device; itself if nothing would change.

        Context vectors stay fp32: the encoder casts them on the way in, and their gradient on the way back.
        """
        if self.is_already(target):
            return self
        moved: dict[str, Any] = {
            name: copy.deepcopy(part).to(target) if isinstance(part, nn.Module) else part.to(target)
            for name, part in self.parts().items()
        }
        return replace(self, **moved)

    def encode(
        self, embedded: Tensor, ids: Tensor, put: Put | None = None, prefix: Tensor | None = None
    ) -> Tensor:
        """Features as of `TextTower.encode`. put: changes the states (N, L, D) that enter each block but the
        first. prefix: (R, J, 2, M, D), keys and values that the first J blocks see besides: each for as many
        texts, side by side, as there are to one of R."""
        from open_clip.transformer import text_global_pool

        x = self.states(embedded, ids, put, prefix)
        if self.cls_emb is not None:
            pooled = self.ln_final(text_global_pool(x, pool_type="last"))
        else:
            pooled = text_global_pool(self.ln_final(x), ids, self.pool, eos_token_id=self.eos_id)
        return self.project(pooled)

    def states(
        self, embedded: Tensor, ids: Tensor, put: Put | None = None, prefix: Tensor | None = None
    ) -> Tensor:
        """States behind the last block, as of `TextTower.states`, a class embedding's (CoCa) at the end; put
        and prefix as of `encode`."""
        x = embedded
        if self.cls_emb is not None:
            x = torch.cat([x, self.cls_emb.expand(len(x), 1, -1)], dim=1)
        x = x + self.positional_embedding[: x.shape[1]]
        mask = self._mask(ids, x)
        whole = put is None and prefix is None
        found: Tensor = self.transformer(x, attn_mask=mask) if whole else self._through(x, mask, put, prefix)
        return found

    def _through(self, x: Tensor, mask: Tensor | None, put: Put | None, prefix: Tensor | None) -> Tensor:
        """The blocks one by one, as open_clip's Transformer has them."""
        batch_first = getattr(self.transformer, "batch_first", True)
        prefixes = () if prefix is None else prefix.unbind(1)
        for number, block in enumerate(self.blocks):
            x = put(number, x) if put is not None and number else x
            if number < len(prefixes):
                own = prefixes[number].repeat_interleave(len(x) // len(prefixes[number]), dim=0)
                x = prefixed_block(block, x, mask, own)
                continue
            turned = x if batch_first else x.transpose(0, 1)
            turned = block(turned, attn_mask=mask)
            x = turned if batch_first else turned.transpose(0, 1)
        return x

    def project(self, pooled: Tensor) -> Tensor:
        """Features (..., E) of pooled states (..., D)."""
        if isinstance(self.text_projection, nn.Linear):
            projected: Tensor = self.text_projection(pooled)
            return projected
        return pooled if self.text_projection is None else pooled @ self.text_projection

    def _mask(self, ids: Tensor, x: Tensor) -> Tensor | None:
        """The causal mask cut to the length, plus, where the tower masks padding, one per text and head."""
        length = x.shape[1]
        causal = None if self.attn_mask is None else self.attn_mask[:length, :length].to(x.dtype)
        if not self.pad_mask:
            return causal
        seen = ids != self.pad_id
        if self.cls_emb is not None:
            # open_clip's published CoCa weights were trained with the class position masked at the wrong end.
            always = seen.new_ones(len(seen), 1)
            seen = torch.cat([seen, always] if self.correct_cls_mask else [always, seen], dim=1)
        hidden = torch.zeros(seen.shape, dtype=x.dtype, device=x.device).masked_fill_(~seen, float("-inf"))
        padding = hidden[:, None, :].expand(-1, length, -1).repeat_interleave(self.heads, dim=0)
        return padding if causal is None else causal + padding


def open_clip_tower(model: nn.Module) -> OpenClipTower:
    """Take the parts of a model's own text transformer; see `text_tower`.

    model: open_clip's `CLIP`, a model with such a tower as `text`, or the tower itself.
    """
    owner: Any = model if hasattr(model, "token_embedding") else getattr(model, "text", None)
    needed = ("token_embedding", "positional_embedding", "transformer", "ln_final")
    if owner is None or not all(hasattr(owner, name) for name in needed):
        found = type(owner).__name__ if owner is not None else type(model).__name__
        allowed = "open_clip's CLIP, CustomTextCLIP and CoCa with open_clip's own text transformer or a "
        allowed += "Hugging Face encoder"
        problem = Problem("this text tower cannot take context vectors", found=found, allowed=allowed)
        raise UserError(problem)
    for part in (owner.token_embedding, owner.transformer, owner.ln_final):
        part.requires_grad_(False).eval()
    projection = owner.text_projection
    if isinstance(projection, nn.Linear):
        projection.requires_grad_(False)
    cls_emb = getattr(owner, "cls_emb", None)
    mask = owner.attn_mask
    tower = OpenClipTower(
        token_embedding=owner.token_embedding,
        positional_embedding=owner.positional_embedding.detach(),
        transformer=owner.transformer,
        ln_final=owner.ln_final,
        text_projection=projection if isinstance(projection, nn.Linear | None) else projection.detach(),
        attn_mask=None if mask is None else mask.detach(),
        context_length=owner.positional_embedding.shape[0] - (cls_emb is not None),
        heads=_heads(owner.transformer.resblocks[0]),
        pool=getattr(owner, "text_pool_type", None) or owner.pool_type,
        eos_id=getattr(owner, "text_eos_id", getattr(owner, "eos_id", 2)),
        cls_emb=None if cls_emb is None else cls_emb.detach(),
        pad_id=getattr(owner, "pad_id", 0),
        pad_mask=cls_emb is not None or bool(getattr(owner, "use_pad_mask", False)),
        correct_cls_mask=bool(getattr(owner, "correct_cls_mask", False)),
    )
    return replace(tower, reason=_why_not_shared(tower))


def _heads(block: Any) -> int:
    return int(block.attn.num_heads)


def _why_not_shared(tower: OpenClipTower) -> str:
    """Say what in the tower makes later tokens matter to earlier ones, or to the pooled position."""
    if tower.cls_emb is not None:
        return "a class embedding is appended to each text and padding is masked (CoCa)"
    if tower.attn_mask is None:
        return "attention looks both ways (no causal mask)"
    length = tower.context_length
    causal = torch.full((length, length), float("-inf")).triu(1)
    if tower.pad_mask or not torch.equal(tower.attn_mask.float().cpu(), causal):
        return "its attention mask is not the plain causal one"
    if tower.pool not in ("argmax", "eos"):
        return f"it pools the {tower.pool} position, not EOT"
    # Imported late: open_clip is slow to import, and the modules of this floor should not be.
    from open_clip.transformer import ResidualAttentionBlock

    kinds = {type(block).__name__ for block in tower.blocks if type(block) is not ResidualAttentionBlock}
    return f"its blocks are of another kind ({', '.join(sorted(kinds))})" if kinds else ""
