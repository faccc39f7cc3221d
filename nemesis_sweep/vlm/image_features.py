"""What an image tower gives of an image: one feature of the whole, or one of each of its parts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nemesis_sweep.messages.errors import Problem, UserError


def pooled_features(visual: nn.Module, pixels: Tensor) -> Tensor:
    """Features ``(B, E)`` of whole images, not normalised."""
    features = visual(pixels)
    # CoCa's image tower returns its tokens too.
    pooled: Tensor = features[0] if isinstance(features, tuple) else features
    return pooled


def patch_features(visual: nn.Module, pixels: Tensor) -> Tensor:
    """Features ``(B, Q, E)`` of the parts of images, not normalised; the first is that of the whole image.

    ResNets: every token of CLIP's attention pool as a query, the mean token first, then the cells.
    ViTs: every token after the last norm, projected as the class token is, which comes first. Training has
    compared that one with texts, and none of the others.
    """
    tower: Any = visual
    if _is_resnet(tower):
        x = tower.stem(pixels)
        for layer in (tower.layer1, tower.layer2, tower.layer3, tower.layer4):
            x = layer(x)
        return _pool_all(tower.attnpool, x)
    if _is_vit(tower):
        x = tower.ln_post(tower.transformer(tower._embeds(pixels)))
        features: Tensor = x if tower.proj is None else x @ tower.proj
        return features
    raise UserError(
        Problem(
            "this image tower has no features of the parts of an image",
            found=type(visual).__name__,
            allowed="open_clip's own ResNet or ViT with a class token",
        )
    )


def patch_count(visual: nn.Module) -> int:
    """Q, the number of features that ``patch_features`` gives; 0 where the tower has none."""
    tower: Any = visual
    if _is_resnet(tower):
        return len(tower.attnpool.positional_embedding)
    return len(tower.positional_embedding) if _is_vit(tower) else 0


def _is_resnet(visual: Any) -> bool:
    return type(visual).__name__ == "ModifiedResNet" and hasattr(visual, "attnpool")


def _is_vit(visual: Any) -> bool:
    return (
        type(visual).__name__ == "VisionTransformer"
        and visual.attn_pool is None
        and visual.pool_type == "tok"
        and not visual.final_ln_after_pool
    )


def _pool_all(pool: Any, x: Tensor) -> Tensor:
    """CLIP's attention pool ``(B, C, H, W) -> (B, 1 + HW, E)``, of which the model itself keeps the first."""
    cells = x.flatten(2).permute(2, 0, 1)
    tokens = torch.cat([cells.mean(dim=0, keepdim=True), cells])
    tokens = tokens + pool.positional_embedding[:, None].to(x.dtype)
    pooled, _ = F.multi_head_attention_forward(
        tokens,
        tokens,
        tokens,
        tokens.shape[-1],
        pool.num_heads,
        None,
        torch.cat([pool.q_proj.bias, pool.k_proj.bias, pool.v_proj.bias]),
        None,
        None,
        False,
        0.0,
        pool.c_proj.weight,
        pool.c_proj.bias,
        training=False,
        need_weights=False,
        use_separate_proj_weight=True,
        q_proj_weight=pool.q_proj.weight,
        k_proj_weight=pool.k_proj.weight,
        v_proj_weight=pool.v_proj.weight,
    )
    return pooled.transpose(0, 1)
