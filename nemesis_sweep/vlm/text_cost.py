"""What a pass of contexts through a text tower takes, before it is made."""

from __future__ import annotations

from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.text import choose_path
from nemesis_sweep.vlm.tower import TextTower

STATES = 14
"""Numbers that a layer of a frozen tower keeps for the gradient, for each row and width: measured 9 to 10
with GELU, 14 with QuickGELU."""


def states_bytes(tower: TextTower, layout: Layout) -> int:
    """About how many bytes the gradient of one context's class features needs, all classes together."""
    lengths = layout.lengths
    if choose_path(tower, layout) == "shared":
        beginning = layout.n_ctx if layout.position == "end" else layout.n_ctx // 2
        beginning = 0 if layout.position == "front" else beginning
        rows = beginning + int((lengths - 1 - beginning).sum())
    else:
        rows = layout.n_classes * layout.tokens.shape[1]
    return STATES * rows * tower.width * tower.layers * tower.dtype.itemsize
