"""Names of backbones, without importing torch or open_clip.

A backbone is named by one of
- the folder name of a model that ships in `nemesis_sweep/embedded/` (`icon-clip`);
- `NAME@TAG`: an open_clip architecture and the tag of published weights (`ViT-B-16@laion2b_s34b_b88k`);
- `NAME`: the same with OpenAI's weights where they exist, else with the first tag open_clip lists;
- `NAME@random`: random weights from a fixed seed, for benchmarks and tests, nothing is downloaded;
- `NAME@FILE.safetensors`: an architecture and weights of your own;
- a path: a folder with `open_clip_config.json` and safetensors weights, or the weights file in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from nemesis_sweep.spec.errors import Problem, UserError, nearest

CONFIG_FILE = "open_clip_config.json"
RANDOM = "random"


@dataclass(frozen=True)
class Source:
    """Where a backbone comes from.

    kind: `folder` (config and weights on disk), `file` (architecture by name, weights on disk), `tag`
    (published weights; an empty tag means the default) or `random`.
    architecture: open_clip's name; '' for folders. path: folder or weights file.
    """

    kind: str
    architecture: str = ""
    tag: str = ""
    path: Path | None = None


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
    return [*embedded_names(), *architecture_names()]


def find_backbone(name: str) -> Source:
    """Resolve a backbone name; nothing is loaded or downloaded.

    Raises UserError with the nearest valid name if there is no such backbone, file or folder.
    """
    if name in embedded_names():
        return Source("folder", path=_embedded_folder() / name)
    architecture, at, weights = name.partition("@")
    if architecture in architecture_names():
        if weights == RANDOM:
            return Source("random", architecture)
        if weights.endswith(".safetensors") or "/" in weights:
            return Source("file", architecture, path=_weights_file(weights))
        if at and not weights:
            raise UserError(Problem("a backbone name ends in '@' without a tag", found=repr(name)))
        return Source("tag", architecture, tag=weights)
    path = Path(name).expanduser()
    if path.suffix == ".safetensors" or "/" in name or path.is_dir():
        return Source("folder", path=_folder(path))
    raise UserError(
        Problem(
            "unknown backbone",
            found=repr(name),
            allowed=f"{', '.join(embedded_names()) or 'an embedded model'}, an open_clip name, NAME@TAG, "
            "NAME@random, NAME@FILE.safetensors, or a folder with open_clip_config.json",
            nearest=_nearest(architecture, at + weights),
        )
    )


def _embedded_folder() -> Path:
    return Path(__file__).resolve().parents[1] / "embedded"


def _nearest(architecture: str, weights: str) -> str:
    found = nearest(architecture, backbone_names())
    return found + weights if found and found not in embedded_names() else found


def _weights_file(text: str) -> Path:
    path = Path(text).expanduser()
    if path.suffix != ".safetensors":
        raise UserError(Problem("weights are read from safetensors files only", found=repr(text)))
    if not path.is_file():
        raise UserError(Problem("no such weights file", found=repr(text)))
    return path


def _folder(path: Path) -> Path:
    """The folder or weights file of a model with its configuration beside it."""
    if not path.exists():
        raise UserError(Problem("no such backbone folder or file", found=repr(str(path))))
    config = (path if path.is_dir() else path.parent) / CONFIG_FILE
    if not config.is_file():
        message = f"no {CONFIG_FILE} beside the weights (name the architecture: NAME@FILE.safetensors)"
        raise UserError(Problem(message, found=repr(str(path))))
    return path


def architecture_config(name: str) -> dict[str, object]:
    """open_clip's configuration of an architecture, as in its JSON file."""
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None or name not in architecture_names():
        raise UserError(Problem("unknown architecture", found=repr(name), nearest=_nearest(name, "")))
    path = Path(spec.origin).parent / "model_configs" / f"{name}.json"
    config: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return config
