"""Kinds of things from WordNet 3.0: an eagle is a bird of prey, a bird, an animal.

Reads ``index.noun`` and ``data.noun`` of Debian's package wordnet-base (format: wndb(5)).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

# Too wide to say anything about a picture.
WIDE = frozenset(
    (
        *("entity", "physical entity", "abstraction", "object", "whole", "unit", "artifact", "matter"),
        *(
            "thing",
            "instrumentality",
            "psychological feature",
            "attribute",
            "group",
            "relation",
            "measure",
            "state",
        ),
        *("event", "act", "human action", "substance", "living thing", "causal agent", "communication"),
        *("solid", "process", "chordate", "commodity", "consumer goods", "shape", "region", "location"),
        *("part", "component", "constituent", "material", "organism", "cognition", "content", "happening"),
        *("collection", "fundamental quantity", "body of water", "social group", "organization"),
        *("merchandise", "product", "creation"),
    )
)
MOST = 6  # kinds of one thing, the nearest first


class WordNet:
    """The nouns below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._data = (folder / "data.noun").read_bytes()
        self._first: dict[str, int] = {}
        for line in (folder / "index.noun").read_text(encoding="utf-8").splitlines():
            if not line.startswith(" "):
                fields = line.split()
                # The last fields are the synsets' places, the commonest sense first.
                self._first[fields[0].replace("_", " ")] = int(fields[-int(fields[2])])
        self._synset = lru_cache(maxsize=None)(self._read)

    def _read(self, place: int) -> tuple[tuple[str, ...], int | None]:
        """Words of a synset, and the place of the first synset it is a kind of."""
        end = self._data.index(b"\n", place)
        fields = self._data[place:end].decode().split(" | ")[0].split()
        count = int(fields[3], 16)
        words = tuple(w.replace("_", " ").lower() for w in fields[4 : 4 + 2 * count : 2])
        pointers = fields[5 + 2 * count :]
        above = (int(pointers[i + 1]) for i in range(0, len(pointers) - 3, 4) if pointers[i] in ("@", "@i"))
        return words, next(above, None)

    def noun_of(self, name: str) -> str:
        """The longest end of ``name`` that is a noun ("red fire engine" is a fire engine), or nothing."""
        words = name.split()
        for start in range(len(words)):
            end = " ".join(words[start:])
            for noun in (end, end.removesuffix("s"), end.removesuffix("es")):
                if len(noun) > 2 and noun in self._first:
                    return noun
        return ""

    def kinds(self, name: str) -> list[str]:
        """Names of what ``name`` is a kind of, by the commonest sense of its noun, the nearest first."""
        noun = self.noun_of(name)
        found: list[str] = []
        place = self._synset(self._first[noun])[1] if noun else None
        while place is not None:
            words, place = self._synset(place)
            found += [w for w in words[:1] if w not in WIDE and w != noun]
        return found[:MOST]
