"""Backbones by the names of Hugging Face's transformers, OpenAI's package and CoOp's files."""

from __future__ import annotations

import re
from collections.abc import Collection

OPENAI = re.compile(
    r"(?:clip[-_ ]?)?(vit|rn)[-_ ]?(?:([bl])[-_/ ]?)?(\d+)(x\d+)?(?:[-_@](336)(?:px)?)?(?:_(?:ep|ctx|c\d).*)?"
)
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
CLIP = re.compile(r"clip-vit-(base|large)-patch(\d+)(?:-(336))?")
SIGLIP = re.compile(r"siglip(2?)-(base|large|so400m|giant-opt)-patch(\d+)-(\d+)")
SIZES = {"base": "B", "large": "L", "so400m": "SO400M", "giant-opt": "gopt"}
DEFAULT = {"B": "224", "L": "", "SO400M": "224", "gopt": ""}
"""The size of images that open_clip leaves out of a SigLIP's name."""


def meant_backbone(name: str, architectures: Collection[str]) -> str:
    """The name here of what others call ``name``: `ViT-B-16@openai` of `openai/clip-vit-base-patch16`.

    '' when there is none. A name of the form ORG/NAME is taken for a repository of the hub.
    """
    architecture, _, tag = name.partition("/")
    if architecture in architectures:
        return f"{architecture}@{tag}"
    short = name.casefold().rpartition("/")[2]
    if found := CLIP.fullmatch(short):
        meant = _clip(*found.groups())
    elif found := SIGLIP.fullmatch(short):
        meant = _siglip(*found.groups())
    elif found := OPENAI.fullmatch(name.casefold().partition("@openai")[0]):
        meant = _openai(*found.groups())
    else:
        return f"hf-hub:{name}" if REPOSITORY.fullmatch(name) and "-" in short else ""
    return meant if meant.partition("@")[0] in architectures else ""


def _clip(size: str, patch: str, pixels: str | None) -> str:
    return f"ViT-{SIZES[size]}-{patch}{'-336' if pixels else ''}@openai"


def _siglip(second: str, size: str, patch: str, pixels: str) -> str:
    letter = SIZES[size]
    end = "" if pixels == DEFAULT[letter] else f"-{pixels}"
    return f"ViT-{letter}-{patch}-SigLIP{second}{end}@webli"


def _openai(kind: str, size: str | None, number: str, wide: str | None, pixels: str | None) -> str:
    if kind == "rn":
        return "" if size else f"RN{number}{wide or ''}@openai"
    return f"ViT-{size.upper()}-{number}{'-336' if pixels else ''}@openai" if size else ""
