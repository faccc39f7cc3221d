"""One colour, mark and dash for each method: no two look alike as long as there are enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, product
from typing import Any

from nemesis_sweep.report.leaderboard import BEST_OF_SEARCH
from nemesis_sweep.report.page.contenders import BEST, BEST_OF, PLAIN
from nemesis_sweep.spec.baselines import BASELINES, CONTROL, PAPER, PROMPTLESS
from nemesis_sweep.spec.losses import MIX, NONE, PAN, PUN

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C510A", "#7F7F7F")
"""Okabe and Ito (2008), with a brown and a grey for the yellow and the black, which a page may hide."""
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
DASHES = ("--", "-.", "-", ":")

_KNOWN = {
    # What trains no prompt is dotted.
    **{
        BASELINES[name].label: (COLOURS[-1 - place % len(COLOURS)], MARKS[-1 - place % len(MARKS)], ":")
        for place, name in enumerate(PROMPTLESS)
    },
    PLAIN: ("#E69F00", "s", "--"),
    BASELINES[PAPER].label: ("#56B4E9", "v", "-."),
    BASELINES[CONTROL].label: ("#7F7F7F", "D", "-."),
    BEST: ("#0072B2", "o", "-"),
    BEST_OF_SEARCH: ("#8C510A", "X", "-"),
    BEST_OF + NONE: ("#7F7F7F", "P", "--"),
    BEST_OF + PUN: ("#D55E00", "^", "-"),
    BEST_OF + PAN: ("#009E73", "o", "-"),
    BEST_OF + MIX: ("#CC79A7", "X", "-"),
}


def looks(methods: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour, mark and dash of every method: the usual ones the same in all figures, others in order."""
    free = _free()
    found = {method: _KNOWN.get(method) or next(free) for method in dict.fromkeys(methods)}
    names = ("color", "marker", "linestyle")
    return {method: dict(zip(names, look, strict=True)) for method, look in found.items()}


def _free() -> Iterator[tuple[str, str, str]]:
    """Looks that no known method has, neither its line nor its mark.

    When all lines are taken they come again with other marks, and only when these are, too, as they were.
    """
    taken = {(colour, dash) for colour, _, dash in _KNOWN.values()}
    lines = [(colour, dash) for dash, colour in product(DASHES, COLOURS) if (colour, dash) not in taken]
    marked = {(colour, mark) for colour, mark, _ in _KNOWN.values()}
    for number in count():
        colour, dash = lines[number % len(lines)]
        turned = [MARKS[(number + place) % len(MARKS)] for place in range(len(MARKS))]
        mark = next((mark for mark in turned if (colour, mark) not in marked), turned[0])
        marked.add((colour, mark))
        yield colour, mark, dash
