"""The classes of the clip-art benchmark, as rules over folders, titles and keywords.

A picture belongs to a class if its folder is one of the class's, or its title or file name holds one of the
class's words, unless a word excludes it.  Pictures claimed by several classes belong to the first in
``RULES``.  What the rules still get wrong is named in ``rejected``.
"""

from __future__ import annotations

import re

from nemesis_sweep.embedded.make.openclipart import THEMES, Clip
from nemesis_sweep.embedded.make.rules import RULES

_THEMES = (*THEMES, "computer/icons", "computer/buttons", "signs_and_symbols/led", "unsorted/duplicates")


def _pattern(words: str) -> re.Pattern[str] | None:
    return re.compile(rf"\b(?:{words})\b") if words else None


_COMPILED = {name: (rule, _pattern(rule.words), _pattern(rule.but)) for name, rule in RULES.items()}


def _claims(name: str, clip: Clip, text: str) -> bool:
    rule, words, but = _COMPILED[name]
    if but and but.search(text):
        return False
    if clip.folder in rule.folders or any(k in rule.keywords for k in clip.keywords):
        return True
    return bool(words and words.search(text))


def label(clip: Clip) -> str:
    """The class of a picture, or an empty string."""
    if clip.folder.startswith(_THEMES):
        return ""
    stem = re.sub(r"[_\-.]+", " ", clip.stem.lower())
    text = f"{clip.title} {stem}"
    own = [n for n, rule in RULES.items() if clip.folder in rule.folders and _claims(n, clip, text)]
    return next(iter(own), "") or next((n for n in RULES if _claims(n, clip, text)), "")
