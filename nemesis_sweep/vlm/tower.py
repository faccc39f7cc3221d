"""A frozen view of the text side of an open_clip model, and whether its prompts can share computation."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from nemesis_sweep.spec.errors import Problem, UserError

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
class TextTower:
    """The parts of a text tower that an encoder of context vectors needs; nothing in it requires gradients.

    transformer: open_clip's Transformer (`resblocks`), called by the plain path.
    positional_embedding: (L, D), one row more where a class embedding is appended (CoCa).
    ln_final, text_projection: (D, E) tensor, linear layer, or None.
    attn_mask: (L, L) additive causal mask, or None where attention looks both ways.
    pool: `argmax` (highest id), `eos` (first `eos_id`), `first`, `last`.
    cls_emb: (D,) embedding appended to each text (CoCa) or None; pad_mask: padding is masked out.
    reason: why prompts cannot share the states of their common beginning; '' if they can.
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
    def dtype(self) -> torch.dtype:
        return self.positional_embedding.dtype

    @property
    def device(self) -> torch.device:
        return self.positional_embedding.device

    @property
    def can_share(self) -> bool:
        return not self.reason

    def to(self, target: torch.dtype | torch.device | str) -> TextTower:
        """A copy of this tower in another dtype or on another device; itself if nothing would change.

        Context vectors stay fp32: the encoder casts them on the way in, and their gradient on the way back.
        """
        if target == self.dtype or (not isinstance(target, torch.dtype) and _same(self.device, target)):
            return self

        def moved(part: Any) -> Any:
            if isinstance(part, nn.Module):
                return copy.deepcopy(part).to(target)
            return part.to(target) if isinstance(part, Tensor) else part

        return replace(self, **{name: moved(getattr(self, name)) for name in _PARTS})

    def state(self) -> dict[str, Tensor]:
        """All weights of the tower by name."""
        tensors: dict[str, Tensor] = {}
        for name in _PARTS:
            part = getattr(self, name)
            if isinstance(part, nn.Module):
                tensors |= {f"{name}.{key}": tensor for key, tensor in part.state_dict().items()}
            elif isinstance(part, Tensor):
                tensors[name] = part
        return tensors


def text_tower(model: nn.Module) -> TextTower:
    """Look at an open_clip `CLIP`, `CustomTextCLIP` or `CoCa` and take the parts of its text side, frozen.

    The parts are shared with the model, not copied; the model's text side is put into eval mode and its
    parameters stop requiring gradients. Raises UserError for text towers that take no embeddings (Hugging
    Face encoders).
    """
    owner: Any = model if hasattr(model, "token_embedding") else getattr(model, "text", None)
    needed = ("token_embedding", "positional_embedding", "transformer", "ln_final")
    if owner is None or not all(hasattr(owner, name) for name in needed):
        found = type(owner).__name__ if owner is not None else type(model).__name__
        allowed = "open_clip's CLIP, CustomTextCLIP and CoCa with open_clip's own text transformer"
        problem = Problem("this text tower cannot take context vectors", found=found, allowed=allowed)
        raise UserError(problem)
    for part in (owner.token_embedding, owner.transformer, owner.ln_final):
        part.requires_grad_(False).eval()
    projection = owner.text_projection
    if isinstance(projection, nn.Linear):
        projection.requires_grad_(False)
    cls_emb = getattr(owner, "cls_emb", None)
    mask = owner.attn_mask
    tower = TextTower(
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


def _same(device: torch.device, target: torch.device | str) -> bool:
    """Whether `target` names this device; "cuda" names any of them."""
    target = torch.device(target)
    return device.type == target.type and target.index in (None, device.index)


def _heads(block: Any) -> int:
    return int(block.attn.num_heads)


def _why_not_shared(tower: TextTower) -> str:
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
