"""A tokenizer of whole words, for text towers that no published tokenizer fits."""

from __future__ import annotations

import pytest

from tests.vlm.conftest import WordTokenizer


@pytest.fixture
def tokenizer_of_words() -> WordTokenizer:
    return WordTokenizer(20, start=None, end=1, pad=1)
