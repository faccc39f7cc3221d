"""Class names to measure with: all short, or as uneven as ImageNet's."""

from __future__ import annotations

from functools import cache

from nemesis_sweep.messages.errors import Problem, UserError

KINDS = ("short", "imagenet-like")
_LONGEST = 9


def class_names(kind: str, count: int) -> list[str]:
    """Return `count` class names.

    short: common words that are one token each in CLIP's vocabulary.
    imagenet-like: open_clip's ImageNet names of 1 to 9 tokens (most have 1 to 3), spread over all
    lengths: two or more names include the shortest and the longest.

    Raises UserError for an unknown kind, and if there are not that many names.
    """
    if kind not in KINDS:
        raise UserError(Problem("unknown kind of names", "names", found=repr(kind), allowed=", ".join(KINDS)))
    pool = _short() if kind == "short" else _imagenet()
    if not 1 <= count <= len(pool):
        allowed = f"1 to {len(pool)} with {kind} names"
        raise UserError(Problem("not so many class names", "classes", found=str(count), allowed=allowed))
    if kind == "short" or count == 1:
        return pool[:count]
    return [pool[index * (len(pool) - 1) // (count - 1)] for index in range(count)]


@cache
def _short() -> list[str]:
    """Words of 4 to 8 letters that are one token, the most frequent first."""
    from open_clip import SimpleTokenizer

    end = "</w>"
    whole = [token.removesuffix(end) for token in SimpleTokenizer().encoder if token.endswith(end)]
    return [word for word in whole if word.isascii() and word.isalpha() and 4 <= len(word) <= 8]


@cache
def _imagenet() -> list[str]:
    """ImageNet's names as open_clip has them, without the few longer than 9 tokens, sorted by token count.

    Two names stand for two classes each; they stay, as they do in ImageNet.
    """
    from open_clip import IMAGENET_CLASSNAMES, SimpleTokenizer

    tokenizer = SimpleTokenizer()
    lengths = [len(tokenizer.encode(name)) for name in IMAGENET_CLASSNAMES]
    # One class would be missing at 1000: the name that is too long gives way to its first word.
    names = [
        name if length <= _LONGEST else name.split()[0]
        for name, length in zip(IMAGENET_CLASSNAMES, lengths, strict=True)
    ]
    return sorted(names, key=lambda name: len(tokenizer.encode(name)))
