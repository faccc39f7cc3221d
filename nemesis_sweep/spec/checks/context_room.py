"""More words or context vectors than a backbone's texts have room for: no trial with them could begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nemesis_sweep.messages.faults import Fault, Path, shown
from nemesis_sweep.spec.baselines import COOP
from nemesis_sweep.spec.cross_section import CrossSection, extremes
from nemesis_sweep.spec.prompts import among_words

BESIDE = 4
"""Tokens beside the context at the least: start, a name of one token, the full stop and the end."""
ENDS = 2
"""Tokens beside a whole text: start and end."""

TEMPLATE = "anchor_template"
NAME = "start, name, full stop and end"
LONG = {"n_ctx": "more context vectors", "words": "more words", TEMPLATE: "more words"}


def context_room_faults(parts: CrossSection, length_of: Callable[[str], int | None]) -> Iterator[Fault]:
    """Yield every `n_ctx`, and all `words`, that leave no room for the shortest class name, and templates
    that no text can have. A word is at least one token. What takes no place in the prompts, such as keys and
    values, begins as that of a text of the same length.

    length_of: tokens in a text of a backbone, None where that is not known before its weights are.
    """
    if parts.tasks is None or not parts.unsure.isdisjoint({*LONG, "prompt", "tasks.backbone"}):
        return
    lengths = {name: length_of(name) for name in parts.tasks.backbone}
    known = {name: length for name, length in lengths.items() if length is not None}
    if not known:
        return
    narrow = min(known, key=lambda name: known[name])
    for path, name, value, prompts in _written(parts):
        alone = name == TEMPLATE or not among_words(prompts, parts.method.kinds)
        beside, allowed = (ENDS, "start and end") if alone else (BESIDE, NAME)
        room = known[narrow] - beside
        asked = value if name == "n_ctx" else len(value.replace("_", " ").split())
        if asked > room:
            message = f"{LONG[name]} than the texts of {narrow} have room for"
            found = shown(value) if name == "n_ctx" else f"{asked} words"
            allowed = f"at most {room} of its {known[narrow]} tokens, beside {allowed}"
            if not alone and not among_words(parts.possible("prompt"), parts.method.kinds):
                allowed += "; or search.baselines without coop, which has as many"
            yield Fault(path, message, found, allowed, related=(("tasks", "backbone"),))


def _written(parts: CrossSection) -> Iterator[tuple[Path, str, Any, list[str]]]:
    """Where a field of ``LONG`` is written, its value, of a range the highest, and the kinds it can meet."""
    for place in parts.places:
        prompts = parts.possible("prompt", place)
        if place.name == "n_ctx":
            yield place.path, place.name, max(extremes(place.dimension)), prompts
        elif place.name in LONG:
            given = [text for text in extremes(place.dimension) if isinstance(text, str)]
            yield from ((place.path, place.name, text, prompts) for text in given)
    for path, layer in parts.method.all_layers():
        for name in LONG.keys() & layer.keys():
            prompts = [*parts.possible("prompt"), *_rows(parts)]
            if name == "n_ctx" and layer.get("words") is not None:
                prompts = [each for each in prompts if not _takes_words(each, parts)]
            if layer[name] is not None and prompts:
                yield (*path, name), name, layer[name], prompts


def _rows(parts: CrossSection) -> list[str]:
    """The kind of the row `coop`, which trains with what is fixed, whatever kinds a sweep tries."""
    return [COOP] if parts.search is not None and COOP in parts.search.baselines else []


def _takes_words(prompt: str, parts: CrossSection) -> bool:
    """Whether words decide the number of vectors of a kind; unknown ones may take any."""
    kinds = parts.method.kinds
    return prompt not in kinds or "words" in kinds[prompt].names or "n_ctx" not in kinds[prompt].names
