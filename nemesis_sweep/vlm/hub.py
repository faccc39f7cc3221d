"""Files of Hugging Face hub repositories: from the local cache, or downloaded into it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError

CONFIG_FILE = "open_clip_config.json"
ENCODER_FILE = "config.json"
"""What the repository of a Hugging Face text encoder, or of a model of transformers, has in its place."""
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "model.safetensors")
"""The names of weights, in the order in which they are looked for."""


def cached(repository: str, names: Sequence[str], revision: str | None = None) -> Path | None:
    """The first of these files that the local cache holds, or None. Nothing is downloaded.

    As huggingface_hub's `try_to_load_from_cache` answers, whose import would take half of `validate`'s time.
    """
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    revision = revision or constants.DEFAULT_REVISION
    try:
        commit = (folder / "refs" / revision).read_text(encoding="utf-8").strip()
    except OSError:
        commit = revision
    found = (folder / "snapshots" / commit / name for name in names)
    return next((path for path in found if os.path.isfile(path)), None)  # noqa: PTH113 - False where it may not look


def fetch(repository: str, names: Sequence[str], revision: str | None = None) -> Path:
    """The first of these files that the repository has, downloaded if the local cache lacks it.

    Raises UserError when it has none of them, does not exist, or cannot be reached.
    """
    return cached(repository, names, revision) or download(repository, names, revision)


def download(repository: str, names: Sequence[str], revision: str | None = None) -> Path:
    """The first of these files that the repository on the hub has. Raises as `fetch` does."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # Else a line for every attempt; what they came to is told below.
    for name in names:
        try:
            return Path(hf_hub_download(repository, name, revision=revision, library_name="open_clip"))
        except LocalEntryNotFoundError as error:
            raise _unreachable(repository, names, error) from error
        except EntryNotFoundError:
            continue
        # Its own errors, and those of the network below it, derive from these two.
        except (OSError, ValueError) as error:
            raise _unreachable(repository, names, error) from error
    allowed = f"one of {', '.join(names)} (pickled weights are not read; convert them to safetensors)"
    raise UserError(Problem("this hub repository has no such file", found=repository, allowed=allowed))


def cached_models(is_model: Callable[[Path], bool] = lambda path: False) -> list[str]:
    """Hub repositories in the local cache that hold an open_clip configuration, as `hf-hub:ORG/NAME`.

    is_model: whether a `config.json` of transformers counts too.
    """
    from huggingface_hub import constants

    root = Path(constants.HF_HUB_CACHE)
    paths = [*root.glob(f"models--*/snapshots/*/{CONFIG_FILE}")]
    paths += filter(is_model, root.glob(f"models--*/snapshots/*/{ENCODER_FILE}"))
    found = {path.parents[2].name for path in paths}
    return sorted("hf-hub:" + name.removeprefix("models--").replace("--", "/") for name in found)


def _unreachable(repository: str, names: Sequence[str], error: Exception) -> UserError:
    # The hub's own words for what it met ask for a look at the connection; below stands what it was.
    cause = error.__cause__ or error
    first = str(cause).strip().splitlines()[0] if str(cause).strip() else ""
    message = f"cannot get {' or '.join(names)} of {repository} from the Hugging Face hub"
    allowed = "a repository that can be reached, or one in the local cache ($HF_HOME)"
    return UserError(Problem(message, found=f"{type(cause).__name__}: {first}", allowed=allowed))
