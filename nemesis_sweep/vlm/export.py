"""A backbone as what plain open_clip reads: a configuration and all weights, none left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from nemesis_sweep.vlm.dual_encoders.described import TRANSFORMERS
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip
from nemesis_sweep.vlm.loading import load_model
from nemesis_sweep.vlm.registry import find_backbone
from nemesis_sweep.vlm.tokenizer import make_tokenizer


@dataclass(frozen=True)
class Exported:
    """What `open_clip_config.json` and `open_clip_model.safetensors` hold.

    config: as in the JSON file. weights: by open_clip's own key names, on the CPU. tokenizer: one of
    transformers that belongs beside them, None for CLIP's own. vocabulary: rows of the token table. known:
    how many of them were trained; the others are zero.
    """

    config: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    tokenizer: Any
    vocabulary: int
    known: int


def export_backbone(name: str) -> Exported:
    """Load a backbone and give it in open_clip's form; the token rows that its file leaves out are restored.

    Raises UserError as `load_backbone` does.
    """
    loaded = load_model(find_backbone(name))
    tokenizer = make_tokenizer(loaded.config["text_cfg"], loaded.folder)
    backbone = backbone_from_open_clip(loaded.model, tokenizer, loaded.preprocess, name=name)
    preprocess = asdict(backbone.preprocess)
    preprocess["size"] = preprocess.pop("image_size")
    config = {name: value for name, value in loaded.config.items() if name != TRANSFORMERS}
    # Copies: a file of safetensors takes no two names for one tensor.
    weights = {key: tensor.detach().clone() for key, tensor in loaded.model.state_dict().items()}
    vocabulary = len(next(backbone.text.token_embedding.parameters()))
    return Exported(
        config={"model_cfg": config, "preprocess_cfg": preprocess},
        weights=weights,
        tokenizer=getattr(tokenizer, "tokenizer", None),
        vocabulary=vocabulary,
        known=vocabulary if loaded.known_tokens is None else len(loaded.known_tokens),
    )
