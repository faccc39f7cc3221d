"""What Hugging Face's tokenizers and text encoders need to be there. Nothing is imported for it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError

INSTALL = "pip install 'nemesis-sweep[hf]', or pip install transformers"
VOCABULARIES = ("tokenizer.json", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt")
BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
"""What else there may be of a tokenizer."""


def has_vocabulary(folder: Path | None) -> bool:
    """Whether a Hugging Face tokenizer lies in a model's folder."""
    return folder is not None and any((folder / file).is_file() for file in VOCABULARIES)


def require_vocabulary(folder: Path) -> None:
    """Raise UserError unless a Hugging Face tokenizer lies in a model's folder."""
    if not has_vocabulary(folder):
        message = "no tokenizer beside the model's weights"
        raise UserError(Problem(message, found=str(folder), allowed=" or ".join(VOCABULARIES)))


def require_transformers(what: str) -> None:
    """Raise UserError, naming `what` needs it, unless Hugging Face's transformers can be imported."""
    if find_spec("transformers") is None:
        raise UserError(
            Problem(f"{what} needs the package transformers, which is not installed", allowed=INSTALL)
        )
