"""What a backbone is made of and which way its prompts go through the text tower. Nothing is downloaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.building import build_short_text_tower
from nemesis_sweep.vlm.causality import refuse_two_answers
from nemesis_sweep.vlm.configuration import DEFAULT_LENGTH, architecture_config
from nemesis_sweep.vlm.cosine_factor import of_logarithm, of_temperature, usable_factor
from nemesis_sweep.vlm.dual_encoders.described import TRANSFORMERS, family_of
from nemesis_sweep.vlm.dual_encoders.families import NORM_NOTE, TEMPERATURE, USUAL_SCALE, Family
from nemesis_sweep.vlm.dual_encoders.looking import look_at
from nemesis_sweep.vlm.hub import CONFIG_FILE, ENCODER_FILE, WEIGHTS, cached
from nemesis_sweep.vlm.hugging_face import HuggingFaceTower
from nemesis_sweep.vlm.layout import make_layout
from nemesis_sweep.vlm.model_config import cached_config, config_in
from nemesis_sweep.vlm.model_folder import find_weights, read_config, unreadable_weights
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.published import default_tag, entry, hub_files
from nemesis_sweep.vlm.registry import Source, architecture_names, find_backbone
from nemesis_sweep.vlm.text import choose_path, why_not_shared
from nemesis_sweep.vlm.tokenizer import make_tokenizer
from nemesis_sweep.vlm.tower import TextTower
from nemesis_sweep.vlm.usable_config import usable
from nemesis_sweep.vlm.vocabulary import has_vocabulary

N_CTX = 4
"""Context vectors of the prompt that is laid out to see which way it goes."""


@dataclass(frozen=True)
class Inspection:
    """The facts about a backbone that decide how it is trained.

    weights: where they come from. cached: whether they are on this machine; None where none are needed.
    activation: of both towers where they are open_clip's own. tokenizer: its name. pooling: the position
    whose state becomes the text feature, or `mean`. logit_bias: added to all logits (SigLIP), or None (its
    starting value where the weights are not here). logit_scale: the factor on cosines, None where the
    weights, which have it, are not here; scale_stored: whether they have it.
    text_path: `shared`, `cut` or `plain`, as in `encode_text`; reason: why. What cannot be known without a
    download is None. note: what is to be known of prompts on it, or ''.
    """

    name: str
    weights: str
    cached: bool | None
    image_tower: str
    image_size: int
    embed_dim: int
    activation: str
    text_tower: str
    text_width: int | None
    text_layers: int | None
    text_heads: int | None
    context_length: int
    causal: bool
    pooling: str
    tokenizer: str
    logit_bias: float | None
    text_path: str
    reason: str
    logit_scale: float | None = None
    scale_stored: bool = True
    note: str = ""


@dataclass(frozen=True)
class _Found:
    """A source looked up: its architecture, where its weights are (None: not on this machine), in words.

    transformers: the configuration of a dual encoder of transformers, or None. file: that of any model that
    comes with one.
    """

    config: dict[str, Any]
    weights: str
    path: Path | None = None
    cached: bool | None = None
    transformers: Path | None = None
    file: Path | None = None


def inspect_backbone(name: str) -> Inspection:
    """Look into a backbone, by its configuration; of weights on disk only single numbers are read.

    Raises UserError for unknown names, for hub repositories whose configuration is not in the cache, and for
    text towers that take no context vectors.
    """
    # An architecture may be looked into even if nobody has published weights of it.
    bare = name in architecture_names() and not default_tag(name)
    found = _find(Source("random", name) if bare else find_backbone(name))
    if found.transformers is not None:
        return _dual_encoder(name, found, found.transformers)
    config, text = found.config, found.config["text_cfg"]
    with usable(found.file, "not a usable model configuration"):
        tower = _tower(config)
        path, reason = _text_path(tower, text, found.path)
        causal = _causal(tower, name)
    vision = config["vision_cfg"]
    return Inspection(
        name=name,
        weights=found.weights,
        cached=found.cached,
        image_tower=vision.get("timm_model_name") or ("ResNet" if _is_resnet(vision) else "ViT"),
        image_size=int(vision.get("image_size") or 224),
        embed_dim=int(config["embed_dim"]),
        activation="QuickGELU" if config.get("quick_gelu") else "GELU",
        text_tower=text.get("hf_model_name") or "open_clip's own",
        text_width=tower.width if tower else None,
        text_layers=_layers(text, tower),
        text_heads=tower.heads if tower else None,
        context_length=int(text.get("context_length") or DEFAULT_LENGTH),
        causal=causal,
        pooling=_pooling(text, tower),
        tokenizer="its own" if TRANSFORMERS in config else text.get("hf_tokenizer_name") or "CLIP's own",
        logit_bias=_logit_bias(found),
        text_path=path,
        reason=reason,
        logit_scale=_logit_scale(found),
        note=NORM_NOTE if isinstance(tower, HuggingFaceTower) and tower.normed else "",
    )


def _dual_encoder(name: str, found: _Found, config: Path) -> Inspection:
    """The facts about a dual encoder of transformers."""
    looked = look_at(config)
    family = looked.family
    read = found.config
    cut = "; texts are cut at the longest, for padding is masked" * (family.path == "cut")
    return Inspection(
        name=name,
        weights=found.weights,
        cached=found.cached,
        image_tower=f"that of transformers' {family.model_class}",
        image_size=int(read["vision_cfg"]["image_size"]),
        embed_dim=looked.embed_dim,
        activation=looked.activation,
        text_tower=f"that of transformers' {family.model_class}",
        text_width=looked.text_width,
        text_layers=looked.text_layers,
        text_heads=looked.text_heads,
        context_length=int(read["text_cfg"]["context_length"]),
        causal=looked.causality.alone,
        pooling=family.pooling,
        tokenizer="its own",
        logit_bias=_number(found, "logit_bias"),
        text_path=family.path,
        reason=f"attention looks both ways{cut}",
        logit_scale=_scale_of(family, found, looked.initial_scale),
        scale_stored=family.stores_scale,
        note="; ".join(filter(None, [family.note, NORM_NOTE if family.normed else ""])),
    )


def _find(source: Source) -> _Found:
    if source.kind == "hub":
        return _find_repository(source)
    if source.kind == "folder":
        path = source.path or Path()
        folder = path if path.is_dir() else path.parent
        described = config_in(folder)
        weights = path if path.is_file() else find_weights(folder)
        found = read_config(described)[0]
        other = _other(described)
        return _Found(found, str(weights), weights, cached=True, transformers=other, file=described)
    config = dict(architecture_config(source.architecture))
    if source.kind == "random":
        return _Found(config, "random")
    if source.kind == "file":
        return _Found(config, str(source.path), source.path, cached=True)
    tag = source.tag or default_tag(source.architecture)
    known = entry(source.architecture, tag)
    if known.get("quick_gelu"):
        config["quick_gelu"] = True
    repository, names = hub_files(known)
    here = cached(repository, names)
    return _Found(config, f"{tag}, hf-hub:{repository}", here, cached=here is not None)


def _find_repository(source: Source) -> _Found:
    config = cached_config(source.repository, source.revision)
    if config is None:
        allowed = "a repository in the local cache; a run downloads it, and so does `hf download`"
        problem = Problem("nothing is known of a repository before its download", found=source.repository)
        raise UserError(replace(problem, allowed=allowed))
    weights = cached(source.repository, WEIGHTS, source.revision)
    shown, here = f"hf-hub:{source.repository}", weights is not None
    other = _other(config)
    return _Found(read_config(config)[0], shown, weights, cached=here, transformers=other, file=config)


def _other(config: Path) -> Path | None:
    """A configuration of towers that are none of open_clip's."""
    return None if config.name == CONFIG_FILE or family_of(config).is_open_clips else config


def _tower(config: Mapping[str, Any]) -> TextTower | None:
    """The text tower with one layer and random weights; None where its configuration is not here."""
    text = config["text_cfg"]
    encoder = text.get("hf_model_name")
    if encoder and not Path(encoder).is_dir():
        known = cached(encoder, [ENCODER_FILE])
        if known is None:
            return None
        # By its folder: the hub would be asked about a name, and be waited for where there is no network.
        config = {**config, "text_cfg": {**text, "hf_model_name": str(known.parent)}}
    return build_short_text_tower(config)


def _causal(tower: TextTower | None, name: str) -> bool:
    """Whether a position sees only those before it: asked where there are weights to ask, random ones."""
    if not isinstance(tower, OpenClipTower):
        return tower.causal if tower else False
    return refuse_two_answers(tower, tower.pad_id, name).alone


def _text_path(tower: TextTower | None, text: Mapping[str, Any], weights: Path | None) -> tuple[str, str]:
    if tower is None or tower.masked_id is not None:
        reason = tower.reason if tower else "attention looks both ways (Hugging Face encoder)"
        return "cut", f"{reason}; texts are cut at the longest, for padding is masked"
    if tower.reason:
        return "plain", tower.reason
    shared = "causal attention and EOT pooling: prompts share their beginning and end at EOT"
    beside = Path(text.get("hf_tokenizer_name") or "")
    if text.get("hf_tokenizer_name") and not has_vocabulary(beside):
        return "shared", f"{shared} (its tokenizer, of the Hugging Face hub, was not looked at)"
    layout = make_layout(make_tokenizer(text, weights), ["cat", "golden retriever"], N_CTX)
    return choose_path(tower, layout), why_not_shared(tower, layout) or shared


def _is_resnet(vision: Mapping[str, Any]) -> bool:
    return isinstance(vision.get("layers"), list)


def _layers(text: Mapping[str, Any], tower: TextTower | None) -> int | None:
    if text.get("hf_model_name"):
        return tower.layers if tower else None
    return int(text.get("layers", 12))


def _pooling(text: Mapping[str, Any], tower: TextTower | None) -> str:
    if tower is None:
        return str(text.get("hf_pooler_type", "mean_pooler")).removesuffix("_pooler")
    return {"argmax": "EOT", "eos": "EOT"}.get(tower.pool, tower.pool)


def _logit_bias(found: _Found) -> float | None:
    """The bias in the weights if they are here, else the one that training starts from."""
    if found.config.get("init_logit_bias") is None:
        return None
    there = _number(found, "logit_bias")
    return float(found.config["init_logit_bias"]) if there is None else there


def _logit_scale(found: _Found) -> float | None:
    """The factor in the weights if they are here, that of random weights, or None."""
    there = _number(found, "logit_scale")
    if there is None and found.cached is None:
        there = found.config.get("init_logit_scale") or math.log(USUAL_SCALE)
    return None if there is None else usable_factor(of_logarithm(there), found.weights)


def _scale_of(family: Family, found: _Found, initial: float | None) -> float | None:
    """The factor of a dual encoder of transformers. initial: that of a new model, None where it has none."""
    if not family.scale or found.path is None:
        return None if family.scale else USUAL_SCALE
    there = _number(found, family.scale)
    if there is None:
        return initial
    factor = of_temperature if family.scale == TEMPERATURE else of_logarithm
    return usable_factor(factor(there), found.weights)


def _number(found: _Found, name: str) -> float | None:
    """A single number in the weights; None where they are not here, or have none of that name."""
    if found.path is None:
        return None
    try:
        with safe_open(found.path, "pt") as file:
            return float(file.get_tensor(name)) if name in file.keys() else None  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise unreadable_weights(found.path, error) from error
