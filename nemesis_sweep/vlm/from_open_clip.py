"""A backbone of an open_clip model that somebody already has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.preprocess import Preprocess
from nemesis_sweep.vlm.text_tower import text_tower


def backbone_from_open_clip(
    model: nn.Module,
    tokenizer: Any,
    preprocess: Preprocess | Mapping[str, Any] | None = None,
    *,
    name: str = "custom",
) -> Backbone:
    """Make a backbone of an open_clip model and tokenizer that somebody already has.

    preprocess: a `Preprocess`, or open_clip's configuration as a mapping; by default the one that open_clip
    has attached to the model. The model is frozen, put into eval mode (BatchNorm too) and shared, not copied.
    Raises UserError if the text tower takes no context vectors.
    """
    parts: Any = model.requires_grad_(False).eval()
    if not isinstance(preprocess, Preprocess):
        attached = getattr(parts.visual, "preprocess_cfg", None) or {}
        preprocess = _preprocess(parts.visual, {**attached, **(preprocess or {})})
    bias = getattr(parts, "logit_bias", None)
    return Backbone(
        name=name,
        text=text_tower(model, getattr(tokenizer, "context_length", None)),
        visual=parts.visual,
        tokenizer=tokenizer,
        preprocess=preprocess,
        logit_scale=float(parts.logit_scale.detach().exp()),
        logit_bias=None if bias is None else float(bias.detach()),
    )


def _preprocess(visual: Any, config: Mapping[str, Any]) -> Preprocess:
    """Merge open_clip's preprocess words with the size the image tower was built for."""
    size = getattr(visual, "image_size", None) or config.get("size") or config.get("image_size") or 224
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise UserError(Problem("only square images are supported", found=str(size)))
    known = ("mean", "std", "interpolation", "resize_mode", "fill_color", "resize")
    given = {key: config[key] for key in known if config.get(key) is not None}
    for key in {"mean", "std"} & given.keys():
        try:
            given[key] = tuple(float(value) for value in given[key])
        except (TypeError, ValueError) as error:
            message, allowed = "these settings of images cannot be used", "a number for each of the 3 colours"
            raise UserError(Problem(message, key=key, found=repr(given[key]), allowed=allowed)) from error
    return Preprocess(image_size=int(sides.pop()), **given)
