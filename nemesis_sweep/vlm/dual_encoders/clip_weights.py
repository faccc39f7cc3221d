"""The weights of transformers' CLIP and MetaCLIP 2 under open_clip's names."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

WHOLE = {
    "logit_scale": "logit_scale",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
}
TURNED = {"text_projection.weight": "text_projection", "visual_projection.weight": "visual.proj"}
"""Linear layers there, matrices on the other side here."""
TOWERS = {"text_model": "transformer", "vision_model": "visual.transformer"}
PARTS = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_BLOCK = re.compile(r"(text_model|vision_model)\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_UNUSED = re.compile(r"(text_model|vision_model)\.embeddings\.position_ids")
"""A buffer that older versions of transformers kept with the weights."""


def open_clip_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights by open_clip's names; those that have none there stay as they are."""
    made: dict[str, Tensor] = {}
    for name, tensor in state.items():
        found = _BLOCK.fullmatch(name)
        if name in WHOLE:
            made[WHOLE[name]] = tensor
        elif name in TURNED:
            made[TURNED[name]] = tensor.T.contiguous()
        elif found is None:
            made |= {} if _UNUSED.fullmatch(name) else {name: tensor}
        elif found[3] in PARTS:
            made[f"{TOWERS[found[1]]}.resblocks.{found[2]}.{PARTS[found[3]]}.{found[4]}"] = tensor
        elif found[3] == "self_attn.q_proj":
            place = f"{TOWERS[found[1]]}.resblocks.{found[2]}.attn.in_proj_{found[4]}"
            three = (state.get(name.replace("q_proj", each)) for each in ("q_proj", "k_proj", "v_proj"))
            given = [each for each in three if each is not None]
            made[place] = torch.cat(given)
        elif found[3] not in ("self_attn.k_proj", "self_attn.v_proj"):
            made[name] = tensor
    return made
