"""The compact vocabulary: the token ids that captions, class names and initial words can use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

# Words a user may begin a prompt with, or write in a template, beyond what captions hold.
PROMPT_WORDS = (
    "a photo of a . , ! ? : ; - ' \" a photo of the an image of one picture good bad small big "
    "large blurry clean close up bright dark black white colour color drawing sketch painting "
    "illustration icon emoji digit number handwritten scan type kind sort this that these is "
    "are in on at with and or texture satellite person doing centered style cartoon rendering "
    "origami toy plastic graffiti tattoo sculpture embroidered cropped low high resolution my "
    "your their x X zero one two three four five six seven eight nine ten 0 1 2 3 4 5 6 7 8 9 "
    "animal food vehicle nature thing object"
)


def compact_ids(tokenizer: Any, texts: Iterable[str]) -> np.ndarray:
    """Sorted token ids (K,) int32: all single-byte tokens, start and end, and every token of ``texts``.

    Sorted, so that the end token stays the highest and open_clip's pooling finds it.
    """
    ids = set(range(512)) | {tokenizer.sot_token_id, tokenizer.eot_token_id}
    for text in (*texts, PROMPT_WORDS, *PROMPT_WORDS.split()):
        ids.update(tokenizer.encode(text))
    return np.array(sorted(ids), np.int32)


def rows_in_both(new: Iterable[int], old: Iterable[int]) -> tuple[list[int], list[int]]:
    """Rows of the tokens that two compact tables share: where they are in the new one, and in the old."""
    row_of = {int(token): row for row, token in enumerate(old)}
    pairs = [(row, row_of[int(token)]) for row, token in enumerate(new) if int(token) in row_of]
    return [row for row, _ in pairs], [row for _, row in pairs]
