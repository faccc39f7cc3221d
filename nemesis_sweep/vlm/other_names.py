"""Backbones by the names of Hugging Face's transformers, OpenAI's package and CoOp's files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from nemesis_sweep.messages.errors import nearest

Tags = Mapping[str, Collection[str]]
"""open_clip's architectures, each with the tags of its published weights."""

OPENAI = re.compile(
    r"(?:(?:open[-_]?)?clip[-_: /]*)?(vit|rn)[-_ ]?(?:([bl])[-_/ ]?)?(\d+)(x\d+)?"
    r"(?:[-_@](336)(?:px)?)?(?:_(?:ep|ctx|c\d).*)?"
)
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
HUB = re.compile(
    r"(?:(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/"
    r"|(?:hf|hugging[-_ ]?face|hub)(?:[-_ ]?hub)?\s*[:/]+\s*)"
    r"([A-Za-z0-9][\w.-]*/[\w.-]+)(?:/tree/([\w.-]+)|@([\w.-]+))?/?",
    re.IGNORECASE,
)
"""A repository of the hub, in other words than `hf-hub:ORG/NAME@REVISION`."""
BETWEEN = re.compile(r"[@:/, ]+|[-_]")
"""What others write between an architecture and the tag of its weights."""
CLIP = re.compile(r"clip-vit-(base|large)-patch(\d+)(?:-(336))?")
SIGLIP = re.compile(r"siglip(2?)-(base|large|so400m|giant-opt)-patch(\d+)-(\d+)")
SIZES = {"base": "B", "large": "L", "so400m": "SO400M", "giant-opt": "gopt"}
DEFAULT = {"B": "224", "L": "", "SO400M": "224", "gopt": ""}
"""The size of images that open_clip leaves out of a SigLIP's name."""


def meant_backbone(name: str, tags: Tags) -> str:
    """The name here of what others call ``name``: `ViT-B-16@openai` of `openai/clip-vit-base-patch16`.

    '' when there is none. A name of the form ORG/NAME is taken for a repository of the hub.
    """
    if found := HUB.fullmatch(name):
        revision = found.group(2) or found.group(3)
        return f"hf-hub:{found.group(1)}{'@' * bool(revision)}{revision or ''}"
    name = name.removeprefix("hf-hub:")
    if meant := _with_tag(name, tags):
        return meant
    short = name.casefold().rpartition("/")[2]
    if found := CLIP.fullmatch(short):
        meant = _clip(*found.groups())
    elif found := SIGLIP.fullmatch(short):
        meant = _siglip(*found.groups())
    elif found := OPENAI.fullmatch(name.casefold().partition("@openai")[0]):
        meant = _openai(*found.groups())
    else:
        return f"hf-hub:{name}" if REPOSITORY.fullmatch(name) and "-" in short else ""
    return meant if meant.partition("@")[0] in tags else ""


def _with_tag(name: str, tags: Tags) -> str:
    """`ViT-B-16@openai` of `ViT-B-16:openai`, `openai/ViT-B-16`, ...; the tag may be misspelt or cut."""
    likely = ""
    for sign in BETWEEN.finditer(name):
        parts = name[: sign.start()], name[sign.end() :]
        for one, tag in (parts, parts[::-1]):
            found = one if one in tags else ""
            if not found and (openai := OPENAI.fullmatch(one.casefold())):
                found = _openai(*openai.groups()).partition("@")[0]
            known = tags.get(found, ())
            plain = tag.casefold().replace("-", "_")
            if plain in known:
                return f"{found}@{plain}"
            if plain and sign.group() not in "-_":
                near = next((each for each in known if each.startswith(plain)), nearest(plain, known))
                likely = likely or f"{found}@{near}" * bool(near)
    return likely


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
