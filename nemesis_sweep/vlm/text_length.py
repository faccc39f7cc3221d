"""How many tokens a text has, without torch: exactly for CLIP's own tokenizer, else an upper bound."""

from __future__ import annotations

import gzip
import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.configuration import DEFAULT_LENGTH, model_folder, text_config

VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"
MERGES = 49152 - 256 - 2
"""Merges of CLIP's vocabulary: its tokens without the single bytes and the two that begin and end a text."""
ENDS = 2
"""Tokens that begin and end a text; tokenizers with fewer of them have room for more."""


@dataclass(frozen=True)
class TextLength:
    """The texts of a backbone: their most tokens, and its `text_cfg`."""

    backbone: str
    most: int
    config: dict[str, Any]

    def longest(self, texts: Sequence[str], beside: int = 0, exactly: bool = True) -> tuple[int, int] | None:
        """The most tokens of any text, begin and end included, and its place.

        None where all surely fit with so many tokens beside them, or where that is not known. exactly: as in
        :meth:`tokens`.
        """
        doubtful = [place for place, text in enumerate(texts) if bound(text) + beside > self.most]
        counts = self.tokens([texts[place] for place in doubtful], exactly)
        return max(zip(counts, doubtful, strict=True)) if counts else None

    def tokens(self, texts: Sequence[str], exactly: bool = True) -> list[int] | None:
        """The tokens of texts, begin and end included; None where that is not known.

        exactly: whether a tokenizer of Hugging Face's may be loaded, and torch with it; it has to be on this
        machine.
        """
        if not self.config.get("hf_tokenizer_name") and not self.config.get("tokenizer_kwargs"):
            return [clip_tokens(text) for text in texts]
        return self._by_its_tokenizer(texts) if exactly and texts else None

    def _by_its_tokenizer(self, texts: Sequence[str]) -> list[int] | None:
        from nemesis_sweep.vlm.presence import missing_here

        try:
            if missing_here(self.backbone):
                return None
            from nemesis_sweep.vlm.layout import count_tokens
            from nemesis_sweep.vlm.tokenizer import make_tokenizer

            return count_tokens(make_tokenizer(self.config, model_folder(self.backbone)), texts)
        except (UserError, ImportError):
            return None  # What is wrong with it is told elsewhere.


def text_length(backbone: str) -> TextLength | None:
    """The texts of a backbone, from its configuration; None where that is not on this machine."""
    config = text_config(backbone)
    if config is None:
        return None
    return TextLength(backbone, config.get("context_length") or DEFAULT_LENGTH, config)


def bound(text: str) -> int:
    """The most tokens that a text can have under any tokenizer of bytes, characters or pieces of words."""
    # A token is at least a byte of a word; what marks the beginning of a word may be a token of its own.
    return len(text.encode()) + len(text.split()) + ENDS


def clip_tokens(text: str) -> int:
    """Tokens of a text under CLIP's tokenizer, begin and end included: as open_clip's `SimpleTokenizer`.

    That cannot be imported without torch, which takes seconds.
    """
    import ftfy

    cleaned = html.unescape(html.unescape(ftfy.fix_text(text)))
    pieces = _pattern().findall(" ".join(cleaned.split()).lower())
    return ENDS + sum(_pieces(piece) for piece in pieces)


def _pieces(word: str) -> int:
    """Tokens of a word: pairs of neighbours are merged, those first that were the most frequent."""
    if word in ("<start_of_text>", "<end_of_text>"):
        return 1
    letters = _letters()
    parts = [letters[byte] for byte in word.encode()]
    parts[-1] += "</w>"
    ranks = _ranks()
    while len(parts) > 1:
        pairs = set(pairwise(parts))
        best = min(pairs, key=lambda pair: ranks.get(pair, MERGES))
        if best not in ranks:
            break
        parts = _merged(parts, best)
    return len(parts)


def _merged(parts: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    place = 0
    while place < len(parts):
        if tuple(parts[place : place + 2]) == pair:
            merged.append("".join(pair))
            place += 2
        else:
            merged.append(parts[place])
            place += 1
    return merged


@cache
def _letters() -> dict[int, str]:
    """The letters that stand for bytes in the vocabulary: printable ones for themselves, others from 256."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = (byte for byte in range(256) if byte not in printable)
    return {byte: chr(byte) for byte in printable} | {
        byte: chr(256 + place) for place, byte in enumerate(others)
    }


@cache
def _ranks() -> dict[tuple[str, str], int]:
    """Place of every merge in open_clip's copy of CLIP's vocabulary."""
    spec = find_spec("open_clip")
    assert spec is not None and spec.origin is not None
    with gzip.open(Path(spec.origin).parent / VOCABULARY, "rt", encoding="utf-8") as file:
        lines = file.read().split("\n")[1 : MERGES + 1]
    return {(left, right): place for place, (left, right) in enumerate(line.split() for line in lines)}


@cache
def _pattern() -> Any:
    import regex  # type: ignore[import-untyped]

    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    return regex.compile(f"<start_of_text>|<end_of_text>|{words}", regex.IGNORECASE)
