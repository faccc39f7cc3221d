"""Which file describes a model: open_clip's own configuration, or that of a dual encoder of transformers."""

from __future__ import annotations

from pathlib import Path

from nemesis_sweep.vlm.dual_encoders.described import is_dual_encoder
from nemesis_sweep.vlm.hub import CONFIG_FILE, ENCODER_FILE, cached, download


def config_in(folder: Path) -> Path:
    """The configuration in a model's folder, open_clip's where there are both. It may be missing."""
    own, other = folder / CONFIG_FILE, folder / ENCODER_FILE
    return other if not own.is_file() and other.is_file() else own


def cached_config(repository: str, revision: str | None = None) -> Path | None:
    """The configuration of a hub repository in the local cache; a `config.json` only of a known family, for
    many repositories have one beside open_clip's."""
    found = cached(repository, [CONFIG_FILE], revision)
    if found is None:
        other = cached(repository, [ENCODER_FILE], revision)
        found = other if other is not None and is_dual_encoder(other) else None
    return found


def fetch_config(repository: str, revision: str | None = None) -> Path:
    """The same, downloaded if the local cache lacks it. Raises UserError as `hub.fetch` does."""
    found = cached_config(repository, revision)
    return found or download(repository, [CONFIG_FILE, ENCODER_FILE], revision)
