"""Names of backbones, without importing torch or open_clip.

A backbone is named by one of
- the folder name of a model that ships in `nemesis_sweep/embedded/` (`icon-clip`);
- `NAME@TAG`: an open_clip architecture and the tag of published weights (`ViT-B-16@laion2b_s34b_b88k`);
- `NAME`: the same with OpenAI's weights where they exist, else with the first tag open_clip lists;
- `NAME@random`: random weights from a fixed seed, for benchmarks and tests, nothing is downloaded;
- `NAME@FILE.safetensors`: an architecture and weights of your own;
- `hf-hub:ORG/NAME` or `hf-hub:ORG/NAME@REVISION`: a repository on the Hugging Face hub, in open_clip's form;
- a path: a folder with `open_clip_config.json` and safetensors weights, or the weights file in it.

A repository or a folder without `open_clip_config.json` may be a dual encoder of transformers: one with a
`config.json` whose `model_type` is in `dual_encoders.families`.

Weights are read from safetensors files only: a pickle can run code when it is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from nemesis_sweep.files.current_folder import expanded, from_here
from nemesis_sweep.files.nearest_path import nearest_path
from nemesis_sweep.files.regular_file import is_there
from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.vlm.dual_encoders.described import family_of
from nemesis_sweep.vlm.hub import CONFIG_FILE
from nemesis_sweep.vlm.model_config import config_in
from nemesis_sweep.vlm.other_names import meant_backbone
from nemesis_sweep.vlm.published import clean_tag, published

RANDOM = "random"
HUB = "hf-hub:"
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".npz", ".npy")
"""Endings of weights files that are not read: they may hold pickles."""


@dataclass(frozen=True)
class Source:
    """Where a backbone comes from.

    kind: `folder` (config and weights on disk), `file` (architecture by name, weights on disk), `tag`
    (published weights; an empty tag means the default), `hub` (a repository with its own config) or `random`.
    architecture: open_clip's name; '' for folders and repositories. path: folder or weights file.
    repository, revision: on the Hugging Face hub; no revision means its newest.
    """

    kind: str
    architecture: str = ""
    tag: str = ""
    path: Path | None = None
    repository: str = ""
    revision: str | None = None


@cache
def embedded_names() -> tuple[str, ...]:
    """Names of the models that ship with this package."""
    return tuple(sorted(path.parent.name for path in _embedded_folder().glob(f"*/{CONFIG_FILE}")))


@cache
def architecture_names() -> tuple[str, ...]:
    """Names of open_clip's architectures, read from the names of its configuration files."""
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None:
        return ()
    return tuple(sorted(path.stem for path in (Path(spec.origin).parent / "model_configs").glob("*.json")))


def backbone_names() -> list[str]:
    """All names that need no path and no tag, the embedded ones first."""
    with_weights = published()
    named = architecture_names()
    return [*embedded_names(), *(name for name in named if name in with_weights or not with_weights)]


def find_backbone(name: str) -> Source:
    """Resolve a backbone name; nothing is loaded or downloaded.

    Raises UserError with the nearest valid name if there is no such backbone, file or folder.
    """
    if name in embedded_names():
        return Source("folder", path=_embedded_folder() / name)
    if name.startswith(HUB):
        return _repository(name)
    architecture, at, weights = name.partition("@")
    if architecture in architecture_names():
        if weights == RANDOM:
            return Source("random", architecture)
        if _is_path(weights):
            return Source("file", architecture, path=_weights_file(weights))
        if at and not weights:
            raise UserError(Problem("a backbone name ends in '@' without a tag", found=repr(name)))
        _check_tag(architecture, weights)
        return Source("tag", architecture, tag=weights)
    path = expanded(name)
    if path.suffix in (".safetensors", *PICKLES) or "/" in name or (is_there(path) and path.is_dir()):
        return Source("folder", path=_folder(from_here(path), name))
    raise UserError(
        Problem(
            "unknown backbone",
            found=repr(name),
            allowed=f"{', '.join(embedded_names()) or 'an embedded model'}, an open_clip name, NAME@TAG, "
            "NAME@random, NAME@FILE.safetensors, hf-hub:ORG/NAME, or a folder with open_clip_config.json "
            "or with a config.json of transformers",
            nearest=_meant(name) or nearest_name(architecture, at + weights),
        )
    )


def located(name: str, start: str | Path) -> str:
    """The name of a backbone with its path, if it is or has a relative one, made absolute from a folder."""
    architecture, at, weights = name.partition("@")
    if name in embedded_names() or name.startswith(HUB):
        return name
    if architecture in architecture_names():
        return f"{architecture}@{_beside(weights, start)}" if at and _is_path(weights) else name
    return _beside(name, start)


def _is_path(weights: str) -> bool:
    return "/" in weights or Path(weights).suffix in (".safetensors", *PICKLES)


def _beside(path: str, start: str | Path) -> str:
    return str(start / expanded(path))


def _embedded_folder() -> Path:
    return Path(__file__).resolve().parents[1] / "embedded"


def _meant(name: str) -> str:
    return meant_backbone(name, {each: published().get(each, {}) for each in architecture_names()})


def nearest_name(architecture: str, weights: str = "") -> str:
    """The nearest name of a backbone that there is, with the weights where it has them."""
    found = nearest(architecture, backbone_names())
    held = weights[1:] == RANDOM or clean_tag(weights[1:]) in published().get(found, {})
    return found + weights if held else found


def _check_tag(architecture: str, tag: str) -> None:
    """Refuse tags that open_clip does not know, where its table of them can be read."""
    tags = published().get(architecture, {})
    if not published() or clean_tag(tag) in tags or (tags and not tag):
        return
    if not tags:
        allowed = f"{architecture}@random, {architecture}@FILE.safetensors"
        raise UserError(Problem("open_clip has no published weights", found=architecture, allowed=allowed))
    closest = nearest(tag, tags)
    raise UserError(
        Problem(
            f"unknown tag for {architecture}",
            found=repr(tag),
            allowed=", ".join(tags),
            nearest=f"{architecture}@{closest}" if closest else "",
        )
    )


def _repository(name: str) -> Source:
    repository, at, revision = name.removeprefix(HUB).partition("@")
    if not _REPOSITORY.fullmatch(repository) or (at and not revision):
        allowed = "hf-hub:ORG/NAME or hf-hub:ORG/NAME@REVISION"
        message = "not the name of a hub repository"
        raise UserError(Problem(message, found=repr(name), allowed=allowed, nearest=_meant(name)))
    return Source("hub", repository=repository, revision=revision or None)


def _weights_file(text: str) -> Path:
    path = from_here(expanded(text))
    if path.suffix in PICKLES:
        refuse_pickle(path)
    if not is_there(path) or not path.is_file():
        raise UserError(Problem("no such weights file", found=repr(text), nearest=nearest_path(path)))
    if path.suffix != ".safetensors":
        raise UserError(Problem("weights are read from safetensors files only", found=repr(text)))
    return path


def refuse_pickle(path: Path) -> NoReturn:
    """Raise UserError for pickled weights, with the way out."""
    message = "pickled weights are not read: a pickle can run code (docs/backbones.md converts one)"
    raise UserError(Problem(message, found=repr(str(path)), allowed="a safetensors file"))


def _folder(path: Path, name: str) -> Path:
    """The folder or weights file of a model with its configuration beside it."""
    there = is_there(path)
    if path.suffix in PICKLES and not (there and path.is_dir()):
        refuse_pickle(path)
    if not there:
        near = nearest_path(path) or _meant(name)
        raise UserError(Problem("no such backbone folder or file", found=repr(str(path)), nearest=near))
    config = config_in(path if path.is_dir() else path.parent)
    if config.is_file() and config.name != CONFIG_FILE:
        family_of(config)
    if not config.is_file():
        message = f"no {CONFIG_FILE} beside the weights (name the architecture: NAME@FILE.safetensors)"
        raise UserError(Problem(message, found=repr(str(path))))
    return path
