"""A tokenizer of whole words, for text towers that no published tokenizer fits; short measurements."""

from __future__ import annotations

import pytest

from nemesis_sweep.bench import peak
from tests.vlm.conftest import WordTokenizer


@pytest.fixture
def tokenizer_of_words() -> WordTokenizer:
    return WordTokenizer(20, start=None, end=1, pad=1)


@pytest.fixture(autouse=True)
def short_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the machine's peak as always, but on small products for a moment."""
    monkeypatch.setattr(peak, "_SIZES", (256, 512))
    monkeypatch.setattr(peak, "_SECONDS", 0.05)
