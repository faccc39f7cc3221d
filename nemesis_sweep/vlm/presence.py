"""Whether a backbone's files are on this machine and whole, and bringing them here. Nothing needs torch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.configuration import architecture_config
from nemesis_sweep.vlm.dual_encoders.described import TRANSFORMERS, is_dual_encoder
from nemesis_sweep.vlm.dual_encoders.preprocessing import FILES
from nemesis_sweep.vlm.hub import ENCODER_FILE, WEIGHTS
from nemesis_sweep.vlm.hub_file import ConfigFile, HubFile, VocabularyFile
from nemesis_sweep.vlm.model_config import config_in
from nemesis_sweep.vlm.model_folder import check_weights, find_weights, read_config
from nemesis_sweep.vlm.published import entry, hub_files
from nemesis_sweep.vlm.registry import Source, find_backbone
from nemesis_sweep.vlm.vocabulary import has_vocabulary, require_transformers, require_vocabulary

KEY = "tasks.backbone"


def missing_here(name: str) -> list[HubFile]:
    """The files of a backbone that are not on this machine, so that a run has to download them.

    Empty for one that is whole. What comes to light only with a configuration that is itself missing is not
    listed. Raises UserError for names, folders and files that cannot be used.
    """
    return [needed for needed in _hub_files(find_backbone(name)) if needed.cached() is None]


def missing_weights(names: Iterable[str]) -> Iterator[str]:
    """A line for every backbone that is not whole on this machine; a cluster may have it all the same."""
    for name in dict.fromkeys(names):
        try:
            missing = missing_here(name)
            for path in _local_weights(find_backbone(name)):
                check_weights(path)
        except UserError as error:
            yield f"note: {name} cannot be used on this machine: {error}"
            continue
        if missing:
            repositories = ", ".join(dict.fromkeys(needed.repository for needed in missing))
            yield (
                f"note: {name} is not on this machine; a run downloads it from the Hugging Face hub "
                f"({repositories})"
            )


def check_backbones(names: Iterable[str], say: Callable[[str], None]) -> None:
    """Bring what is missing of these backbones to this machine, and look whether their weights are whole.

    say: gets a line about what is downloaded. Raises UserError with every backbone that cannot be had.
    """
    told: dict[str, list[Problem]] = {name: [] for name in names}
    # At once, for where there is no network each takes half a minute to say so; and Ctrl-C waits for none.
    threads = [threading.Thread(target=_gather, args=(name, told[name], say), daemon=True) for name in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # A signal that another thread got would not wake an endless one.
    problems = [problem for found in told.values() for problem in found]
    if problems:
        raise UserError(problems)


def _gather(name: str, told: list[Problem], say: Callable[[str], None]) -> None:
    told += _problems(name, say)


def _problems(name: str, say: Callable[[str], None]) -> Iterator[Problem]:
    """What is wrong with a backbone, each problem with the key of the sweep file."""
    try:
        missing = missing_here(name)
        if missing:
            say(f"{name}: looking for {missing[0].repository} on the Hugging Face hub")
        source = find_backbone(name)
        for needed in _hub_files(source, fetch=True):
            path = needed.fetch()
            if path.suffix == ".safetensors":
                check_weights(path)
        for path in _local_weights(source):
            check_weights(path)
    except UserError as error:
        for problem in error.problems:
            yield replace(problem, key=KEY, message=f"{name}: {problem.message}")
    except Exception as error:  # Of the hub's client, say: nothing may be lost in a thread.
        yield Problem(f"{name}: cannot be had", key=KEY, found=f"{type(error).__name__}: {error}")


def _hub_files(source: Source, *, fetch: bool = False) -> Iterator[HubFile]:
    """What a backbone needs of the hub; a configuration that is not here is fetched first, or ends the list.

    Raises UserError for a configuration that cannot be read, and without a package that it needs.
    """
    config: Mapping[str, Any]
    folder: Path | None = None
    if source.kind == "hub":
        described = ConfigFile(source.repository, revision=source.revision)
        yield described
        yield HubFile(source.repository, WEIGHTS, source.revision)
        path = described.fetch() if fetch else described.cached()
        if path is None:
            return
        if is_dual_encoder(path) and path.name == ENCODER_FILE:
            require_transformers(f"the model {source.repository}")
            yield HubFile(source.repository, FILES, source.revision)
            yield VocabularyFile(source.repository, revision=source.revision)
            return
        config, folder = read_config(path)[0], path.parent
    elif source.kind == "folder":
        folder = _folder(source)
        config = read_config(config_in(folder))[0]
        if TRANSFORMERS in config:
            require_transformers(f"the model in {folder}")
            require_vocabulary(folder)
    else:
        config = architecture_config(source.architecture)
        if source.kind == "file" and source.path is not None:
            folder = source.path.parent
    if source.kind == "tag":
        repository, names = hub_files(entry(source.architecture, source.tag))
        if repository:
            yield HubFile(repository, tuple(names))
    yield from _of_the_text_tower(config["text_cfg"], folder)


def _of_the_text_tower(text: Mapping[str, Any], folder: Path | None) -> Iterator[HubFile]:
    """What a text encoder and a tokenizer of Hugging Face's transformers need beside the weights."""
    encoder, tokenizer = text.get("hf_model_name"), text.get("hf_tokenizer_name")
    if encoder:
        require_transformers(f"the text encoder {encoder}")
        if not Path(encoder).is_dir():
            yield HubFile(encoder, (ENCODER_FILE,))
    if tokenizer:
        require_transformers(f"the tokenizer {tokenizer}")
        if not has_vocabulary(folder) and not Path(tokenizer).is_dir():
            yield VocabularyFile(tokenizer)


def _local_weights(source: Source) -> Iterator[Path]:
    if source.kind == "file" and source.path is not None:
        yield source.path
    if source.kind == "folder" and source.path is not None:
        yield source.path if source.path.is_file() else find_weights(source.path)


def _folder(source: Source) -> Path:
    path = source.path or Path()
    return path if path.is_dir() else path.parent
