"""From the name of a backbone to the backbone."""

from __future__ import annotations

from dataclasses import replace

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.cosine_factor import usable_factor
from nemesis_sweep.vlm.dual_encoders.described import family_of, refuse_other_size
from nemesis_sweep.vlm.dual_encoders.families import USUAL_SCALE
from nemesis_sweep.vlm.dual_encoders.loading import load_parts
from nemesis_sweep.vlm.dual_encoders.tower import dual_encoder_tower
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip
from nemesis_sweep.vlm.loading import DualEncoderFiles, dual_encoder_files, load_model
from nemesis_sweep.vlm.model_folder import read_config
from nemesis_sweep.vlm.preprocess import Preprocess
from nemesis_sweep.vlm.registry import find_backbone
from nemesis_sweep.vlm.tokenizer import make_tokenizer
from nemesis_sweep.vlm.usable_config import usable


def load_backbone(name: str) -> Backbone:
    """Load a backbone by name; `nemesis_sweep.vlm.registry` lists what names there are.

    Raises UserError for unknown names and for weights that are missing, unreadable or of another
    architecture, or not finite in the text tower.
    """
    if not isinstance(name, str):
        raise UserError(Problem("not a name of a backbone", "backbone", found=repr(name), allowed="a text"))
    source = find_backbone(name)
    if (files := dual_encoder_files(source)) is not None:
        return _with_finite_texts(_dual_encoder(files, name))
    loaded = load_model(source)
    tokenizer = make_tokenizer(loaded.config["text_cfg"], loaded.folder)
    backbone = backbone_from_open_clip(loaded.model, tokenizer, loaded.preprocess, name=name)
    usable_factor(backbone.logit_scale, name)
    return _with_finite_texts(replace(backbone, known_tokens=loaded.known_tokens))


def _with_finite_texts(backbone: Backbone) -> Backbone:
    """The backbone. Raises UserError where its text tower would make every logit NaN.

    Of the image tower that is told with the first picture. A mask may say minus infinity.
    """
    for name, tensor in backbone.text.state().items():
        lost = 0 if name.endswith("mask") else int((~tensor.isfinite()).sum())
        if lost:
            found = f"{backbone.name}: {name} has {lost} of {tensor.numel()}"
            raise UserError(Problem("the text tower's weights are not all finite", found=found))
    return backbone


def _dual_encoder(files: DualEncoderFiles, name: str) -> Backbone:
    """A backbone of one of transformers' dual encoders. Raises UserError as `load_parts` does."""
    family = family_of(files.config)
    config, settings = read_config(files.config)
    preprocess = Preprocess(**settings)
    parts = load_parts(files.config, files.weights)
    if parts.logit_scale is not None:
        usable_factor(parts.logit_scale, name)
    if parts.image.image_size is not None:
        refuse_other_size(files.config, preprocess.image_size, parts.image.image_size)
    tokenizer = make_tokenizer(config["text_cfg"], files.config.parent)
    with usable(files.config, "no model has these sizes"):
        tower = dual_encoder_tower(parts.text, family, tokenizer)
    return Backbone(
        name=name,
        text=tower,
        visual=parts.image,
        tokenizer=tokenizer,
        preprocess=preprocess,
        logit_scale=USUAL_SCALE if parts.logit_scale is None else parts.logit_scale,
        logit_bias=parts.logit_bias,
        scale_stored=parts.logit_scale is not None,
        queries=parts.image.queries,
    )
