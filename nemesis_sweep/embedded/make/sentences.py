"""Sample the captions of a batch: one sentence for all, around each picture's name, kind or keywords.

The words before the subject are the same for all pictures of a batch, so the text tower reads them once.
They say how the subject is meant (as a name, as a kind, as what an emoji stands for), and a learnt prompt
will stand in their place: it has something to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

NAME = (
    "{}",
    "a {}",
    "a {}.",
    "{}.",
    "a picture of a {}.",
    "a picture of {}.",
    "a drawing of a {}.",
    "the symbol for {}.",
    "this is a {}.",
    "this is a small picture, drawn in a few flat colours, of a {}.",
    "here is a simple drawing on a white background, and it shows a {}.",
    "somebody drew this for everyone to use: it is supposed to be a {}.",
    "one small image from a large collection of free drawings: a picture of a {}.",
    "if you look at this little image closely you will see a {}.",
    "a free image that anyone may copy, change, and print, showing a {}.",
    "in the middle of this picture, on a plain background, there is a {}.",
    "what the artist wanted to draw here, in only a few lines, is a {}.",
    "an illustration such as you would find in a book for children: a {}.",
    "a picture from a collection that many people have drawn together over the years, free for any use, in "
    "colour or black and white, of a {}.",
    "this small image was made to be placed in letters, on signs, or on screens, so that whoever looks at it "
    "thinks of a {}.",
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
    "what you see in this picture is some kind of {}.",
    "a small drawing of a thing that one may call a kind of {}.",
)
OF_DOMAIN = {
    "emoji": ("an emoji of a {}.", "the {} emoji.", "a {}, as an emoji."),
    "clip art": ("clip art of a {}.", "free clip art: {}.", "a piece of clip art that shows a {}."),
    "colour icon": ("an icon of a {}.", "a colourful icon of a {}.", "a {} icon in colour."),
    "plain icon": ("an icon of a {}.", "a {} icon.", "a simple icon in one colour: {}."),
}
DOMAINS = tuple(OF_DOMAIN)
SUBJECTS, SUBJECT_SHARES = ("name", "kind", "both"), (0.55, 0.3, 0.15)
MOST_TOKENS = 9  # of a subject


@dataclass(frozen=True)
class Captions:
    """Token ids: ``before`` begins every caption, after the start token; ``rows`` end with the end token."""

    before: tuple[int, ...]
    rows: list[tuple[int, ...]]
    subject: str  # one of SUBJECTS


class Sentences:
    """Draws captions for pool entries (dicts with ``name``, ``tags``, ``kinds``) with a tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self.end = tokenizer.eot_token_id
        # Plain tuples of ints: caching tensors here fragments the heap over thousands of steps.
        self._encode = lru_cache(maxsize=None)(lambda text: tuple(tokenizer.encode(text)))

    def sample(
        self, entries: Sequence[dict], domain: str, rng: np.random.Generator, bare: bool = False
    ) -> Captions:
        """Captions of a batch.  ``domain``: the entries' own if they share one, else empty.  ``bare``:
        nothing before the subject and a full stop after it, as behind a learnt prompt."""
        subject = SUBJECTS[rng.choice(len(SUBJECTS), p=SUBJECT_SHARES)]
        templates = KIND if subject == "kind" else NAME + 2 * OF_DOMAIN.get(domain, ())
        before, after = ("", ".") if bare else templates[rng.integers(len(templates))].split("{}")
        ends = (*self._encode(after), self.end)
        rows = [(*self._subject(entry, subject, rng)[:MOST_TOKENS], *ends) for entry in entries]
        return Captions(self._encode(before), rows, subject)

    def classes(self, words: Sequence[str], rng: np.random.Generator | None = None) -> Captions:
        """Captions of the classes of a task, in one sentence, or with nothing before the class."""
        templates = NAME + KIND
        before, after = ("", ".") if rng is None else templates[rng.integers(len(templates))].split("{}")
        ends = (*self._encode(after), self.end)
        rows = [(*self._encode(word)[:MOST_TOKENS], *ends) for word in words]
        return Captions(self._encode(before), rows, "class")

    def _subject(self, entry: dict, subject: str, rng: np.random.Generator) -> tuple[int, ...]:
        """Name, kind, or name and keyword of a picture."""
        said = _one(entry["kinds"], entry["tags"], rng)
        if subject == "name" or not said:
            return self._encode(entry["name"])
        if subject == "kind":
            return self._encode(said)
        pair = (entry["name"], said) if rng.random() < 0.5 else (said, entry["name"])
        return (*self._encode(pair[0]), *self._encode(","), *self._encode(pair[1]))


def _one(kinds: Sequence[str], tags: Sequence[str], rng: np.random.Generator) -> str:
    """A kind or a keyword, either as likely as the other; empty if there is none."""
    first, second = (kinds, tags) if rng.random() < 0.5 else (tags, kinds)
    words = first or second
    return words[int(rng.integers(len(words)))] if words else ""


def every_text(entries: list[dict]) -> set[str]:
    """All texts whose tokens captions can use."""
    texts = {e["name"] for e in entries} | {t for e in entries for t in (*e["tags"], *e["kinds"])}
    templates = (*NAME, *KIND, *(t for own in OF_DOMAIN.values() for t in own))
    return texts | {part for t in templates for part in t.split("{}")} | {",", "."}
