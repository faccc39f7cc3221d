"""What a trial left to be used: a prompt, or what a row without one has learnt, by its folder."""

from __future__ import annotations

from pathlib import Path

from nemesis_sweep.prompts.artifact import FILES as PROMPT
from nemesis_sweep.prompts.artifact import load_prompt
from nemesis_sweep.training.classifier import Learnt
from nemesis_sweep.training.references.saved import FILES as REFERENCE
from nemesis_sweep.training.references.saved import load_reference


def holds_learnt(folder: Path) -> bool:
    """Whether a prompt or a reference lies in a folder."""
    return any((folder / file).is_file() for files in (PROMPT, REFERENCE) for file in files.files)


def load_learnt(folder: Path) -> Learnt:
    """The prompt in a folder, or the reference. Raises ``UserError`` when it is missing or damaged."""
    if (folder / REFERENCE.facts).is_file() and not (folder / PROMPT.facts).is_file():
        return load_reference(folder)
    return load_prompt(folder)
