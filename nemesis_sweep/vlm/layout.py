"""Where the context vectors stand among the tokens of each class's prompt."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.choices import CLASS_POSITIONS

# Words that may stand for one context vector while the prompt is tokenised, in order of preference.
_PLACEHOLDERS = ("X", "x", "a")
SHOWN = 60
"""Characters of a text that are shown."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The prompts of C classes, tokenised once, with room for M context vectors each.

    tokens: (C, L) int64, token ids; 0 where a context vector stands; the tokenizer's own padding after EOT.
    slots: (C, L) int64, index 0..M-1 of the context vector at that place, -1 where a token stands.
    lengths: (C,) int64, position of EOT + 1.
    placeholder: the token id that stands for a context vector where ids are needed (pooling, padding masks).
    """

    tokens: Tensor
    slots: Tensor
    lengths: Tensor
    n_ctx: int
    position: str
    names: tuple[str, ...]
    placeholder: int = 0

    @property
    def n_classes(self) -> int:
        return self.tokens.shape[0]

    def ids(self) -> Tensor:
        """Token ids (C, L) with the placeholder where context vectors stand: what pooling looks at."""
        return torch.where(self.slots >= 0, self.placeholder, self.tokens)


def make_layout(tokenizer: Any, names: Sequence[str], n_ctx: int, position: str = "end") -> Layout:
    """Lay out `"X " * n_ctx + name + "."` for each name, as CoOp does, and move the name to `position`.

    tokenizer: one of open_clip's (`tokenizer(texts, context_length=...) -> (N, L)`).
    names: class names; `_` becomes a space. Duplicates are allowed and warned about.
    position: `end` (context, name), `middle` (first half of the context, name, the rest) or `front`.

    Raises UserError for an empty list, an unknown position and prompts that do not fit the tower's length.
    """
    check_names(names, n_ctx, position)
    plain_names = [name.replace("_", " ") for name in names]
    start = _start(tokenizer)
    word = _placeholder_word(tokenizer)
    begun = [f"{word} " * n_ctx + name for name in plain_names]
    ids, lengths = _tokenize(tokenizer, [text + "." for text in begun], names, n_ctx)
    # Counted behind the context: some tokenizers split a word otherwise when it opens the text.
    name_lengths = _lengths(tokenizer, tokenizer(begun)) - _specials(tokenizer) - n_ctx
    slots = torch.full_like(ids, -1)
    order = torch.arange(ids.shape[1]).repeat(len(names), 1)
    before = {"end": n_ctx, "middle": n_ctx // 2, "front": 0}[position]
    for row, (name_length, length) in enumerate(zip(name_lengths.tolist(), lengths.tolist(), strict=True)):
        # A name that ends in a full stop may merge with ours, so that the prompt has one token less.
        name_length = min(name_length, length - start - n_ctx)
        context = torch.arange(start, start + n_ctx)
        name = torch.arange(start + n_ctx, start + n_ctx + name_length)
        moved = torch.cat([context[:before], name, context[before:]])
        order[row, start : start + len(moved)] = moved
    moved_ids = ids.gather(1, order)
    is_context = (order >= start) & (order < start + n_ctx)
    slots = torch.where(is_context, order - start, -1)
    placeholder = int(ids[0, start]) if n_ctx else 0
    tokens = moved_ids.masked_fill(is_context, 0)
    return Layout(tokens, slots, lengths, n_ctx, position, tuple(names), placeholder)


def text_layout(tokenizer: Any, texts: Sequence[str]) -> Layout:
    """Lay out ordinary texts, without context vectors (for zero-shot prompts): one row per text.

    Raises UserError for an empty list and for texts longer than the tower.
    """
    if not texts:
        raise UserError("no texts given: at least one is needed")
    ids, lengths = _tokenize(tokenizer, texts, texts, 0)
    return Layout(ids, torch.full_like(ids, -1), lengths, 0, "end", tuple(texts))


def word_ids(tokenizer: Any, words: str) -> Tensor:
    """Ids (M,) of the tokens of words, without those that only mark where a text starts and ends."""
    layout = text_layout(tokenizer, [words])
    return layout.tokens[0, word_places(tokenizer, layout)]


def word_places(tokenizer: Any, text: Layout) -> slice:
    """Where the words of a layout's first text stand: not what only marks where a text starts and ends."""
    start = _start(tokenizer)
    return slice(start, int(text.lengths[0]) - (_specials(tokenizer) - start))


def unknown_tokens(layout: Layout, known: Collection[int]) -> dict[str, float]:
    """Share of unknown tokens per class name, for a model that ships only part of its vocabulary.

    Returns only names with at least one unknown token. Positions after EOT do not count.
    """
    used = (torch.arange(layout.tokens.shape[1]) < layout.lengths[:, None]) & (layout.slots < 0)
    shares: dict[str, float] = {}
    for name, row, keep in zip(layout.names, layout.tokens, used, strict=True):
        ids = row[keep].tolist()
        missing = sum(token not in known for token in ids)
        if missing:
            shares[name] = missing / max(1, len(ids) - 3)  # SOS, the full stop and EOT say nothing
    return shares


def check_names(names: Sequence[str], n_ctx: int, position: str) -> None:
    """Raise ``UserError`` where no prompts can be laid out so, and warn about names given twice."""
    if position not in CLASS_POSITIONS:
        allowed = ", ".join(CLASS_POSITIONS)
        raise UserError(Problem("unknown class position", found=repr(position), allowed=allowed))
    if type(n_ctx) is not int or n_ctx < 1:
        message = "n_ctx must be at least 1" if type(n_ctx) is int else "n_ctx must be a whole number"
        raise UserError(Problem(message, found=repr(n_ctx)))
    check_class_names(names, stacklevel=4)


def check_class_names(names: Sequence[str], stacklevel: int = 3) -> None:
    """Raise ``UserError`` for no names and for empty ones, and warn about names given twice."""
    if not names:
        raise UserError("no class names given: at least one class is needed")
    empty = [index for index, name in enumerate(names) if not name.replace("_", " ").strip()]
    if empty:
        raise UserError(Problem("class names must not be empty", found=f"empty names at {empty[:5]}"))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        shown = ", ".join(repr(name) for name in twice[:5])
        told = f"{counted(len(twice), 'class name')} given more than once: {shown}"
        warnings.warn(told, stacklevel=stacklevel)


def refuse_no_texts(what: str, given: Any) -> None:
    """Raise ``UserError`` for one text alone, whose letters would each be a text, and for what is none."""
    alone = isinstance(given, str | bytes) or not isinstance(given, Sequence)
    if alone or not all(isinstance(text, str) for text in given):
        allowed = "a list of texts, such as ['cat', 'dog']"
        raise UserError(Problem(f"not {what}", found=repr(given)[:80], allowed=allowed))


def _tokenize(
    tokenizer: Any, prompts: Sequence[str], names: Sequence[str], n_ctx: int
) -> tuple[Tensor, Tensor]:
    """Tokenise to the tower's length; raise UserError where a prompt would have been cut off."""
    length = tokenizer.context_length
    # Tokenised with room to spare first: tokenizers cut off silently.
    roomy = _lengths(tokenizer, tokenizer(list(prompts), context_length=4 * length + n_ctx))
    too_long = [(name, int(n)) for name, n in zip(names, roomy, strict=True) if n > length]
    if too_long:
        shown = ", ".join(f"{_short(name)!r} needs {n}" for name, n in too_long[:5])
        more = f" and {len(too_long) - 5} more" if len(too_long) > 5 else ""
        verb = "does" if len(too_long) == 1 else "do"
        context = f" with n_ctx {n_ctx}" if n_ctx else ""
        message = f"{len(too_long)} of {counted(len(names), 'prompt')} {verb} not fit the text tower{context}"
        raise UserError(Problem(message, found=shown + more, allowed=f"at most {length} tokens"))
    ids = tokenizer(list(prompts))
    return ids, _lengths(tokenizer, ids)


def _short(text: str) -> str:
    """What is shown of a text: a hand-written prompt may be as long as a page."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 4]} ..."


def count_tokens(tokenizer: Any, texts: Sequence[str]) -> list[int]:
    """Tokens of texts of any length, those that begin and end them included."""
    longest = 4 * max(tokenizer.context_length, *(len(text.encode()) for text in texts))
    return [int(count) for count in _lengths(tokenizer, tokenizer(list(texts), context_length=longest))]


def _end_token(tokenizer: Any) -> int | None:
    """Id of the token that ends a text, or None if the tokenizer has none."""
    inner = getattr(tokenizer, "tokenizer", None)
    for owner, name in ((tokenizer, "eot_token_id"), (inner, "eos_token_id"), (inner, "sep_token_id")):
        token = getattr(owner, name, None)
        if token is not None:
            return int(token)
    return None


def _lengths(tokenizer: Any, ids: Tensor) -> Tensor:
    """Number of tokens up to and including the end token; without one, up to the padding."""
    end = _end_token(tokenizer)
    is_end = torch.zeros_like(ids, dtype=torch.bool) if end is None else ids.eq(end)
    up_to_end = is_end.int().argmax(dim=1) + 1
    is_text = ids != ids[:, -1:]
    up_to_padding = ids.shape[1] - is_text.flip(1).int().argmax(dim=1)
    return torch.where(is_end.any(dim=1), up_to_end, up_to_padding)


def _start(tokenizer: Any) -> int:
    """Number of tokens before the text (SOS): 1, or 0 for a tokenizer without one."""
    first = tokenizer(["a", "cat"])[:, 0]
    return int(first[0] == first[1])


def _specials(tokenizer: Any) -> int:
    """Number of tokens that are not text: SOS and EOT where the tokenizer has them."""
    one, two = _lengths(tokenizer, tokenizer(["a", "a a"])).tolist()
    return one - (two - one)


def _placeholder_word(tokenizer: Any) -> str:
    for word in _PLACEHOLDERS:
        counts = _lengths(tokenizer, tokenizer([" ".join([word] * n) for n in (1, 2, 3)])).tolist()
        if counts[2] - counts[1] == counts[1] - counts[0] == 1:
            return word
    raise UserError("this tokenizer keeps none of 'X', 'x', 'a' as one token: no place for context vectors")
