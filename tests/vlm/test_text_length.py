"""Tokens counted without torch, against open_clip's own tokenizer."""

import random
from pathlib import Path

import pytest
from open_clip.tokenizer import SimpleTokenizer

from nemesis_sweep.data.registry import EMBEDDED, load_dataset
from nemesis_sweep.vlm.layout import count_tokens
from nemesis_sweep.vlm.text_length import bound, clip_tokens, text_length

ODD = [
    "",
    "  ",
    "naïve café",
    "日本語 の 文",
    "emoji 😀😀",
    "ﬁne ﬂow",
    "it's we'll they'd X's",
    "a&amp;b &lt;x&gt; &nGt;",
    "<start_of_text> x <end_of_text>",
    "é" * 50,
    "ßÄ İstanbul",
    "etc..",
    "a\u00a0b\u200b ½ ² x²",
    "x" * 400,
]


@pytest.fixture(scope="module")
def tokenizer() -> SimpleTokenizer:
    return SimpleTokenizer()


def some_texts() -> list[str]:
    draw = random.Random(0)
    words = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split()
    names = [name for dataset in EMBEDDED for name in load_dataset(dataset).classnames]
    return [*ODD, *names, *(" ".join(draw.choices(words, k=draw.randint(1, 60))) for _ in range(300))]


def test_as_many_tokens_as_open_clip_finds(tokenizer) -> None:
    texts = some_texts()
    expected = [len(tokenizer.encode(text)) + 2 for text in texts]
    assert [clip_tokens(text) for text in texts] == expected
    whole = [place for place, text in enumerate(texts) if "<" not in text]
    assert count_tokens(tokenizer, [texts[place] for place in whole]) == [expected[place] for place in whole]
    assert all(bound(text) >= tokens for text, tokens in zip(texts, expected, strict=True) if "&" not in text)


def test_texts_of_a_backbone() -> None:
    texts = text_length("icon-clip")
    assert texts is not None and texts.most == 77
    assert texts.tokens(["a cat.", "blue " * 100]) == [5, 102]
    # Only those are counted that might not fit.
    assert texts.longest(["a cat.", "blue " * 100]) == (102, 1)
    assert texts.longest(["a cat."]) is None
    assert texts.longest(["a cat.", "a"], beside=70) == (5, 0)


def test_texts_of_a_tokenizer_that_is_not_here() -> None:
    siglip = text_length("ViT-B-16-SigLIP")
    assert siglip is not None and siglip.most == 64
    assert siglip.longest(["a cat."]) is None
    assert siglip.longest(["blue " * 100]) is None
    assert text_length("hf-hub:no/such") is None
