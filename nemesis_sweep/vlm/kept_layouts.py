"""Layouts that were made already: with them stay their plans, and what the tower knows of each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch

from nemesis_sweep.vlm.layout import Layout, check_names, make_layout, refuse_no_texts, text_layout

MOST = 16
"""Layouts that are kept: trials of a sweep take turns among few class names and context lengths."""

PROMPTS = 4096
"""Prompts of all kept layouts together: what a tower knows of 1000 takes tens of MiB where it computes."""

_Key = tuple[Any, tuple[str, ...], int, str]


class KeptLayouts:
    """The layouts last asked for, one for each tokenizer, class names, context length and position."""

    def __init__(self) -> None:
        self._made: OrderedDict[_Key, Layout] = OrderedDict()

    def __len__(self) -> int:
        return len(self._made)

    def prompts(self, tokenizer: Any, names: Sequence[str], n_ctx: int, position: str) -> Layout:
        """As of ``make_layout``, with its errors and warnings each time."""
        refuse_no_texts("class names", names)
        key = (tokenizer, tuple(names), n_ctx, position)
        if key in self._made:
            check_names(names, n_ctx, position)
        return self._kept(key, lambda: make_layout(tokenizer, names, n_ctx, position))

    def texts(self, tokenizer: Any, texts: Sequence[str]) -> Layout:
        """As of ``text_layout``."""
        refuse_no_texts("texts", texts)
        return self._kept((tokenizer, tuple(texts), 0, ""), lambda: text_layout(tokenizer, texts))

    def _kept(self, key: _Key, make: Callable[[], Layout]) -> Layout:
        if key not in self._made:
            # What is kept must serve training too, even if the first use is under inference_mode.
            with torch.inference_mode(False):
                made = make()
            self._made[key] = made
            while len(self._made) > 1 and (len(self._made) > MOST or self._prompts() > PROMPTS):
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]

    def _prompts(self) -> int:
        return sum(layout.n_classes for layout in self._made.values())
