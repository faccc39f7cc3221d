"""Files that a backbone needs of a hub repository, each as its names in the order of preference."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.hub import CONFIG_FILE, ENCODER_FILE, cached, fetch
from nemesis_sweep.vlm.model_config import cached_config, fetch_config
from nemesis_sweep.vlm.vocabulary import BESIDE, VOCABULARIES


@dataclass(frozen=True)
class HubFile:
    """A file that a backbone needs of a hub repository: the first of these names that is there."""

    repository: str
    names: tuple[str, ...]
    revision: str | None = None

    def cached(self) -> Path | None:
        """Where it lies on this machine, or None."""
        return cached(self.repository, self.names, self.revision)

    def fetch(self) -> Path:
        """The file, downloaded if it is not on this machine. Raises UserError where it cannot be had."""
        return fetch(self.repository, self.names, self.revision)


@dataclass(frozen=True)
class ConfigFile(HubFile):
    """The configuration of a model: open_clip's, or that of a dual encoder of transformers."""

    names: tuple[str, ...] = (CONFIG_FILE, ENCODER_FILE)

    def cached(self) -> Path | None:
        return cached_config(self.repository, self.revision)

    def fetch(self) -> Path:
        return fetch_config(self.repository, self.revision)


@dataclass(frozen=True)
class VocabularyFile(HubFile):
    """A tokenizer, and what else of it there may be."""

    names: tuple[str, ...] = VOCABULARIES

    def fetch(self) -> Path:
        found = self.cached()
        if found is None:
            found = super().fetch()
            for name in BESIDE:
                with suppress(UserError):
                    fetch(self.repository, [name], self.revision)
        return found
