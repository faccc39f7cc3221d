"""Names of backbones, without importing torch or open_clip.

A backbone is named by one of
- the folder name of a model that ships in `nemesis_sweep/embedded/` (`icon-clip`);
- `NAME@TAG`: an open_clip architecture and the tag of published weights (`ViT-B-16@laion2b_s34b_b88k`);
- `NAME`: the same with OpenAI's weights where they exist, else with the first tag open_clip lists;
- `NAME@random`: random weights from a fixed seed, for benchmarks and tests, nothing is downloaded;
- `NAME@FILE.safetensors`: an architecture and weights of your own;
- `hf-hub:ORG/NAME` or `hf-hub:ORG/NAME@REVISION`: a repository on the Hugging Face hub, in open_clip's form;
- a path: a folder with `open_clip_config.json` and safetensors weights, or the weights file in it.

Weights are read from safetensors files only: a pickle can run code when it is read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from nemesis_sweep.files.current_folder import expanded, from_here
from nemesis_sweep.files.nearest_path import nearest_path
from nemesis_sweep.files.regular_file import is_there
from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.vlm.hub import CONFIG_FILE, cached
from nemesis_sweep.vlm.other_names import meant_backbone
from nemesis_sweep.vlm.published import clean_tag, published

DEFAULT_LENGTH, DEFAULT_LAYERS = 77, 12
"""Tokens of a text and blocks of its tower where the architecture does not say: open_clip's defaults."""

VISION_DEFAULTS = {"image_size": 224, "patch_size": 16, "width": 768}
"""open_clip's own of a ViT."""

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
            "NAME@random, NAME@FILE.safetensors, hf-hub:ORG/NAME, or a folder with open_clip_config.json",
            nearest=_meant(name) or _nearest(architecture, at + weights),
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


def _nearest(architecture: str, weights: str) -> str:
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
    config = (path if path.is_dir() else path.parent) / CONFIG_FILE
    if not config.is_file():
        message = f"no {CONFIG_FILE} beside the weights (name the architecture: NAME@FILE.safetensors)"
        raise UserError(Problem(message, found=repr(str(path))))
    return path


def context_length(name: str) -> int | None:
    """Tokens in a text of a backbone, from its configuration; None where that is not on this machine."""
    config = text_config(name)
    return None if config is None else config.get("context_length") or DEFAULT_LENGTH


def text_config(name: str) -> dict[str, Any] | None:
    """The `text_cfg` of a backbone's configuration; None where that is not on this machine, or of no use."""
    try:
        source = find_backbone(name)
        config = architecture_config(source.architecture) if source.architecture else _config_of(source)
        text: dict[str, Any] = config["text_cfg"]
        return text if isinstance(text.get("context_length") or DEFAULT_LENGTH, int) else None
    except (UserError, OSError, ValueError, LookupError, AttributeError, TypeError):
        return None  # What is wrong with it is told elsewhere.


def text_blocks(name: str) -> int | None:
    """Blocks of a backbone's text tower that take vectors of their own: 0 for a Hugging Face encoder, None
    where its configuration is not on this machine."""
    config = text_config(name)
    if config is None or config.get("hf_model_name"):
        return None if config is None else 0
    layers = config.get("layers", DEFAULT_LAYERS)
    return layers if isinstance(layers, int) else None


def no_patches(name: str) -> str:
    """Why a backbone's image tower has no features of the parts of an image, by its configuration; '' where
    it has, or where that is not known before its weights are."""
    config = _vision_config(name)
    if config is None or isinstance(config.get("layers"), list):
        return ""
    if config.get("timm_model_name"):
        return f"its image tower is timm's {config['timm_model_name']}"
    if config.get("attentional_pool"):
        return "its image tower pools by attention of its own"
    if config.get("pool_type", "tok") != "tok" or config.get("final_ln_after_pool"):
        return "its image tower has no class token"
    return ""


def no_image_blocks(name: str) -> str:
    """Why vectors cannot be put before blocks of a backbone's image tower, by its configuration; '' where
    they can, or where that is not known before its weights are."""
    config = _vision_config(name)
    if config is None:
        return ""
    if config.get("timm_model_name"):
        return f"its image tower is timm's {config['timm_model_name']}"
    return "its image tower is a ResNet" if isinstance(config.get("layers"), list) else ""


def image_blocks(name: str) -> int | None:
    """Blocks of a backbone's image tower that vectors can be put before: 0 where it is no ViT of open_clip's,
    None where its configuration is not on this machine."""
    config = _vision_config(name)
    if config is None or no_image_blocks(name):
        return None if config is None else 0
    layers = config.get("layers", DEFAULT_LAYERS)
    return layers if isinstance(layers, int) else None


def image_token_numbers(name: str) -> int:
    """Numbers of the tokens of an image in a backbone's ViT, Q * W; 0 where that is not known."""
    size, patch, width = _vit_sizes(name)
    return ((size // patch) ** 2 + 1) * width


def image_bytes(name: str) -> int:
    """Bytes of the pixels of an image for a backbone's ViT; 0 where that is not known."""
    return 3 * _vit_sizes(name)[0] ** 2


def _vit_sizes(name: str) -> tuple[int, int, int]:
    """Sizes of images and patches in pixels, and the width; 0, 1, 0 where they are not known."""
    config = _vision_config(name)
    sizes = [] if config is None else [config.get(key, usual) for key, usual in VISION_DEFAULTS.items()]
    if not sizes or no_image_blocks(name) or not all(isinstance(each, int) for each in sizes):
        return 0, 1, 0
    size, patch, width = sizes
    return size, patch, width


def untrained_patches(name: str) -> bool:
    """Whether a backbone's features of parts are those of a ViT's patches, which CLIP has never compared with
    texts; False where that is not known before its weights are."""
    config = _vision_config(name)
    return config is not None and not isinstance(config.get("layers"), list) and not no_patches(name)


def _vision_config(name: str) -> dict[str, Any] | None:
    try:
        source = find_backbone(name)
        config = architecture_config(source.architecture) if source.architecture else _config_of(source)
        vision: dict[str, Any] = config["vision_cfg"]
        return vision if isinstance(vision, dict) else None
    except (UserError, OSError, ValueError, LookupError, AttributeError, TypeError):
        return None  # What is wrong with it is told elsewhere.


def model_folder(name: str) -> Path | None:
    """The folder in which a backbone's own configuration lies; None for architectures of open_clip's.

    Raises UserError as `find_backbone` does.
    """
    return _folder_of(find_backbone(name))


def _folder_of(source: Source) -> Path | None:
    path = source.path
    if source.kind == "hub":
        path = cached(source.repository, [CONFIG_FILE], source.revision)
    return path if path is None or path.is_dir() else path.parent


def _config_of(source: Source) -> dict[str, Any]:
    folder = _folder_of(source)
    if folder is None:
        raise FileNotFoundError(CONFIG_FILE)
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    found: dict[str, Any] = config["model_cfg"]
    return found


def architecture_config(name: str) -> dict[str, Any]:
    """open_clip's configuration of an architecture, as in its JSON file."""
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None or name not in architecture_names():
        raise UserError(Problem("unknown architecture", found=repr(name), nearest=_nearest(name, "")))
    path = Path(spec.origin).parent / "model_configs" / f"{name}.json"
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return config
