"""The tokens of images on their way through open_clip's ViT, and learnt vectors among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nemesis_sweep.vlm.exact_fp32 import without_tf32
from nemesis_sweep.vlm.pixels import normalised
from nemesis_sweep.vlm.preprocess import Preprocess

ROW_NUMBERS = 16
"""Numbers of a token, in its widths, that a block of frozen weights holds for the gradient at most: what
enters two norms, queries, keys, values and what they give, the inner four, with QuickGELU twice."""


def image_blocks(visual: nn.Module) -> int:
    """How many blocks an image tower has that vectors can be put before; 0 where it is none of open_clip's
    ViTs."""
    tower: Any = visual
    return len(tower.transformer.resblocks) if type(visual).__name__ == "VisionTransformer" else 0


def states_shape(visual: nn.Module) -> tuple[int, int]:
    """Q tokens, the class token first, and their width W."""
    tower: Any = visual
    tokens, width = tower.positional_embedding.shape
    return int(tokens), int(width)


def token_states(visual: nn.Module, pixels: Tensor, last: int | None = None) -> Tensor:
    """Tokens ``(B, Q, W)`` of images as they enter the last so many blocks.

    Of all blocks (None): as they are with their positions, before the norm in front of the first block
    (``ln_pre``), which is where vectors are put beside them.
    """
    tower: Any = visual
    patches = tower.conv1(pixels).flatten(2).mT
    first = tower.class_embedding.to(patches.dtype).expand(patches.shape[0], 1, -1)
    x: Tensor = torch.cat([first, patches], dim=1) + tower.positional_embedding.to(patches.dtype)
    if last in (None, image_blocks(visual)):
        return x
    x = tower.ln_pre(x)
    for block in list(tower.transformer.resblocks)[:-last]:
        x = _whole(tower, block, x)
    return x


@dataclass(frozen=True, eq=False)
class PromptedTower:
    """The last blocks of an image tower with learnt vectors P among the tokens, in front of J of them.

    visual: open_clip's ViT, frozen. last: K, the number of blocks; None for all of them. preprocess: how
    bytes become its input.

    The vectors of the first block stand behind the image's own tokens, before ``ln_pre`` where that is the
    tower's first, and go through it with them. Before each of the next J - 1 blocks what has become of them
    is replaced by that block's own. Behind the last block what stands in their places is thrown away: the
    feature is pooled from the image's own tokens, as the tower pools it.
    """

    visual: Any
    last: int | None = None
    preprocess: Preprocess | None = None

    @property
    def blocks(self) -> Sequence[Any]:
        every = list(self.visual.transformer.resblocks)
        return every if self.last is None else every[len(every) - self.last :]

    @property
    def dtype(self) -> torch.dtype:
        found: torch.dtype = self.visual.conv1.weight.dtype
        return found

    def bytes_each(self, vectors: int, trained: bool) -> int:
        """What an image takes on its way with so many vectors beside it; trained: with all of the blocks'
        states for the gradient."""
        tokens, width = states_shape(self.visual)
        blocks = len(self.blocks) if trained else 1
        return blocks * (tokens + vectors) * width * ROW_NUMBERS * self.dtype.itemsize

    @property
    def state_bytes(self) -> int:
        """Of the tokens of an image in front of one block."""
        tokens, width = states_shape(self.visual)
        return tokens * width * self.dtype.itemsize

    def features(
        self, states: Tensor, vectors: Tensor, begin: int = 0, entering: list[Tensor] | None = None
    ) -> Tensor:
        """Features ``(N, E)``, not normalised, of states ``(N, Q, W)`` and vectors ``(n, J, P, W)``.

        In the place of states there may be bytes ``(N, H, H, 3)`` where these are all blocks.
        n divides N: the first N / n images have the first vectors, and so on. begin: the block that the
        states enter, counted in these blocks, less than J. entering: gets the states that enter each of the
        first J, without gradients.
        """
        blocks, depth = self.blocks, vectors.shape[1]
        x = states.to(self.dtype) if states.ndim == 3 else self._tokens(states)
        own = vectors[:, begin]
        for number in range(begin, len(blocks)):
            own = vectors[:, number] if number < depth else own
            if entering is not None and number < depth:
                entering.append(x.detach())
            if number == 0 and self.last in (None, image_blocks(self.visual)):
                x, own = self.visual.ln_pre(x), self.visual.ln_pre(own)
            is_last = number + 1 == len(blocks)
            asked = 1 if is_last and self._pools_first else x.shape[1]
            x, own = self._step(blocks[number], x, own, asked, goes_on=not is_last and number + 1 >= depth)
        pooled, _ = self.visual._pool(x)
        found: Tensor = pooled if self.visual.proj is None else pooled @ self.visual.proj
        return found

    def token_norms(self, states: Tensor, depth: int) -> Tensor:
        """The mean 2-norm ``(N, depth)``, float64, of an image's patches as they enter each of the first
        blocks, without any vectors beside them."""
        entering: list[Tensor] = []
        width = states_shape(self.visual)[1]
        nothing = torch.empty(1, depth, 0, width, dtype=self.dtype, device=states.device)
        self.features(states, nothing, entering=entering)
        norms = [torch.linalg.vector_norm(x[:, 1:], dim=-1, dtype=torch.float64) for x in entering]
        return torch.stack([each.mean(dim=1) for each in norms], dim=1)

    @torch.no_grad()
    def _tokens(self, pixels: Tensor) -> Tensor:
        assert self.preprocess is not None
        with without_tf32():
            given = normalised(pixels, self.preprocess, torch.promote_types(torch.float32, self.dtype))
            return token_states(self.visual, given.to(self.dtype))

    @property
    def _pools_first(self) -> bool:
        """Whether the class token alone becomes the feature, so that of the last block no other is needed."""
        return bool(self.visual.attn_pool is None and self.visual.pool_type == "tok")

    def _step(self, block: Any, x: Tensor, own: Tensor, asked: int, goes_on: bool) -> tuple[Tensor, Tensor]:
        """Through one block: the first ``asked`` rows of x, and of the vectors what goes on from here."""
        if goes_on or not _is_plain(block):
            own = own.repeat_interleave(x.shape[0] // own.shape[0], dim=0)
        if _is_plain(block):
            return _plain_step(block, x, own, asked, goes_on)
        whole = _whole(self.visual, block, torch.cat([x, own], dim=1))
        return whole[:, :asked], whole[:, x.shape[1] :]


def _plain_step(block: Any, x: Tensor, own: Tensor, asked: int, goes_on: bool) -> tuple[Tensor, Tensor]:
    """A block of open_clip's usual kind, without what is not asked of it.

    Vectors that end here are keys and values alone. States that need no gradient, which those that were kept
    do not, are not led back through: the products with them stay apart from those with the vectors.
    """
    attention, width = block.attn, x.shape[-1]
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    seen, beside = block.ln_1(x), block.ln_1(own)
    queries = F.linear(seen[:, :asked], weight[:width], bias[:width])
    rows = x[:, :asked]
    if goes_on:
        queries = torch.cat([queries, F.linear(beside, weight[:width], bias[:width])], dim=1)
        rows = torch.cat([rows, own], dim=1)
    # Not by `len`, which would write the number of images into a graph that is traced.
    times = x.shape[0] // own.shape[0]
    pairs = F.linear(beside, weight[width:], bias[width:]).repeat_interleave(times, dim=0)
    pairs = torch.cat([F.linear(seen, weight[width:], bias[width:]), pairs], dim=1)
    by_head = [each.unflatten(2, (attention.num_heads, -1)).transpose(1, 2) for each in pairs.chunk(2, dim=2)]
    queries = queries.unflatten(2, (attention.num_heads, -1)).transpose(1, 2)
    heard = F.scaled_dot_product_attention(queries, *by_head).transpose(1, 2).flatten(2)
    rows = rows + block.ls_1(attention.out_proj(heard))
    rows = rows + block.ls_2(block.mlp(block.ln_2(rows)))
    return rows[:, :asked], rows[:, asked:] if goes_on else own


def _is_plain(block: Any) -> bool:
    # Imported late: open_clip is slow to import, and the modules of this floor should not be.
    from open_clip.transformer import ResidualAttentionBlock

    return type(block) is ResidualAttentionBlock and block.attn.in_proj_bias is not None


def _whole(tower: Any, block: Any, x: Tensor) -> Tensor:
    """A block as the tower itself runs it."""
    if getattr(tower.transformer, "batch_first", True):
        found: Tensor = block(x)
        return found
    turned: Tensor = block(x.transpose(0, 1)).transpose(0, 1)
    return turned
