"""Images through the blocks of the image tower that learnt vectors are put before, in passes with a bound."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from nemesis_sweep.prompts.gradient_scale import scaled_gradients
from nemesis_sweep.vlm.image_states import PromptedTower

PASS_BYTES = 2**31
"""What the states of images may take that go through the tower in one pass; where a batch needs more, it goes
in several, whose states are computed again for the gradient."""


def at_once(tower: PromptedTower, beside: int, replicates: int, trained: bool) -> int:
    """Images of each of so many replicates that make a pass, with so many vectors beside their tokens."""
    return max(1, PASS_BYTES // (replicates * tower.bytes_each(beside, trained)))


def encode_images(
    tower: PromptedTower, images: Tensor, vectors: Tensor, keep: bool = False
) -> tuple[Tensor, list[Tensor] | None]:
    """Features ``(R, B, E)``, L2-normalised, of states ``(R, B, Q, W)``, or bytes, and vectors
    ``(R, J, P, W)``.

    keep: gives also the states ``(R * B, Q, W)`` that enter each of the J blocks, for variants to go on from;
    None where the batch goes in several passes.
    """
    trained = torch.is_grad_enabled()
    parts = images.split(at_once(tower, vectors.shape[2], len(images), trained), dim=1)
    entering: list[Tensor] | None = [] if keep and len(parts) == 1 else None

    def encoded(vectors: Tensor) -> Tensor:
        if len(parts) == 1:
            return _features(tower, images, vectors, 0, entering)
        if not trained:
            return torch.cat([_features(tower, part, vectors) for part in parts], dim=1)
        # Nothing in it is drawn: the generators' states need not be kept.
        found = [
            checkpoint(_features, tower, part, vectors, use_reentrant=False, preserve_rng_state=False)
            for part in parts
        ]
        return torch.cat(found, dim=1)

    is_half = trained and tower.dtype == torch.float16
    return (scaled_gradients(encoded, vectors) if is_half else encoded(vectors)), entering


@torch.no_grad()
def encode_image_variants(tower: PromptedTower, images: Tensor, vectors: Tensor, begin: int = 0) -> Tensor:
    """Features ``(R, N, B, E)`` of states ``(R, B, Q, W)`` that enter a block, each with N variants
    ``(R, N, J, P, W)`` of the vectors."""
    variants = vectors.shape[:2]
    size = at_once(tower, vectors.shape[3], variants.numel(), trained=False)
    found = [
        _features(
            tower,
            part[:, None].expand(-1, variants[1], *part.shape[1:]).flatten(0, 1),
            vectors.flatten(0, 1),
            begin,
        )
        for part in images.split(size, dim=1)
    ]
    return torch.cat(found, dim=1).unflatten(0, variants)


@torch.no_grad()
def patch_norms(tower: PromptedTower, images: Tensor, depth: int) -> Tensor:
    """The mean norm ``(R, J)`` of the patches of states ``(R, B, Q, W)`` as they enter each of the first J
    blocks without vectors, over the images of a replicate; float64."""
    each = tower.bytes_each(0, trained=False) + depth * tower.state_bytes
    parts = images.split(max(1, PASS_BYTES // (len(images) * each)), dim=1)
    norms = [tower.token_norms(part.flatten(0, 1), depth).unflatten(0, part.shape[:2]) for part in parts]
    return torch.cat(norms, dim=1).mean(dim=1)


def _features(
    tower: PromptedTower,
    images: Tensor,
    vectors: Tensor,
    begin: int = 0,
    entering: list[Tensor] | None = None,
) -> Tensor:
    """Features ``(n, B, E)``, L2-normalised, of states ``(n, B, Q, W)`` and vectors ``(n, J, P, W)``."""
    found = tower.features(images.flatten(0, 1), vectors.to(tower.dtype), begin, entering)
    return F.normalize(found.to(vectors.dtype), dim=-1).unflatten(0, images.shape[:2])
