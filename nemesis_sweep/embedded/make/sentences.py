"""Sample captions as token lists: the name in one of many sentences, keywords before or after it.

Three lengths are sampled so that the place of the end token ranges from about 3 to 42: a prompt with 16
learnt vectors before a class name then ends where training has ended captions.

Keywords, which are mostly names of kinds, stand in sentences of their own: so the words around a name say how
it is meant, and a learnt prompt has something to say.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

SHORT = (
    "{}",
    "{}",
    "a {}",
    "a {}.",
    "{}.",
    "a picture of a {}.",
    "a picture of {}.",
    "an icon of a {}.",
    "clip art of a {}.",
    "a drawing of a {}.",
    "the symbol for {}.",
    "this is a {}.",
)
KIND = (
    "a kind of {}.",
    "some kind of {}",
    "one of many sorts of {}.",
    "something like {}.",
    "this has to do with {}.",
    "it belongs to: {}.",
    "{}, for example.",
    "think of {}.",
)
MIDDLE = (
    "this is a small picture, drawn in a few flat colours, of a {}.",
    "here is a simple drawing on a white background, and it shows a {}.",
    "somebody drew this for everyone to use: it is supposed to be a {}.",
    "one small image from a large collection of free drawings: a picture of a {}.",
    "if you look at this little image closely you will see a {}.",
    "a free image that anyone may copy, change, and print, showing a {}.",
    "in the middle of this picture, on a plain background, there is a {}.",
    "what the artist wanted to draw here, in only a few lines, is a {}.",
    "an illustration such as you would find in a book for children: a {}.",
)
LONG = (
    "a picture from a collection that many people have drawn together over the years, free for any use, in "
    "colour or black and white, of a {}.",
    "this small image was made to be placed in letters, on signs, or on screens, so that whoever looks at it "
    "thinks of a {}.",
)
LIMITS = {"short": 12, "middle": 28, "long": 44}  # tokens, both end tokens included


class Sentences:
    """Draws captions for pool entries (dicts with ``name`` and ``tags``) with open_clip's BPE tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self.start, self.end = tokenizer.sot_token_id, tokenizer.eot_token_id
        # Plain lists of ints: caching tensors here fragments the heap over thousands of steps.
        self._encode = lru_cache(maxsize=None)(lambda text: tuple(tokenizer.encode(text)))

    def sample(self, entry: dict, length: str, rng: np.random.Generator) -> list[int]:
        """One caption of ``entry`` as token ids with start and end, at most ``LIMITS[length]`` long."""
        most = LIMITS[length] - 2
        tags = [entry["tags"][i] for i in rng.permutation(len(entry["tags"]))]
        if length == "short":
            body = self._short(entry["name"], tags, rng)
        else:
            body = self._longer(entry["name"], tags, most, MIDDLE if length == "middle" else LONG, rng)
        return [self.start, *body[:most], self.end]

    def _short(self, name: str, tags: list[str], rng: np.random.Generator) -> list[int]:
        if tags and rng.random() < 0.45:
            return list(self._fill(KIND[rng.integers(len(KIND))], tags[0]))
        subject = f"{name}, {tags[0]}" if tags and rng.random() < 0.3 else name
        return list(self._fill(SHORT[rng.integers(len(SHORT))], subject))

    def _longer(
        self, name: str, tags: list[str], most: int, templates: tuple[str, ...], rng: np.random.Generator
    ) -> list[int]:
        sentence = self._fill(templates[rng.integers(len(templates))], name)
        if tags and rng.random() < 0.5:  # keywords first, as many as fit, then a short sentence
            subject, short = (tags[0], KIND) if rng.random() < 0.3 else (name, SHORT)
            sentence = self._fill(short[rng.integers(len(short))], subject)
            words: list[int] = []
            for tag in tags:
                piece = (*self._encode(tag), *self._encode(","))
                if len(words) + len(piece) + len(sentence) > most:
                    break
                words += piece
            return [*words, *sentence]
        return list(sentence)

    def _fill(self, template: str, subject: str) -> tuple[int, ...]:
        before, after = template.split("{}")
        return (*self._encode(before), *self._encode(subject), *self._encode(after))


def every_text(entries: list[dict]) -> set[str]:
    """All texts whose tokens captions can use."""
    texts = {e["name"] for e in entries} | {t for e in entries for t in e["tags"]}
    return texts | {part for t in (*SHORT, *KIND, *MIDDLE, *LONG) for part in t.split("{}")} | {",", "."}
