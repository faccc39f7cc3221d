"""Tokens counted without torch, against open_clip's own tokenizer."""

import json
import random
from pathlib import Path

import pytest
from open_clip.tokenizer import SimpleTokenizer

from nemesis_sweep.data.registry import EMBEDDED, load_dataset
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.layout import count_tokens, make_layout
from nemesis_sweep.vlm.text_length import bound, clip_tokens, text_length
from nemesis_sweep.vlm.tokenizer import make_tokenizer

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


@pytest.mark.parametrize("kind", ["siglip", "siglip2", "roberta"])
def test_texts_of_a_tokenizer_of_hugging_face(kind: str, tmp_path: Path) -> None:
    """As long as `make_layout` finds them; without being loaded they are not judged."""
    pytest.importorskip("transformers")
    from tests.vlm.test_transformers import save_tokenizer

    save_tokenizer(tmp_path, kind=kind)
    config = {"context_length": 24, "hf_tokenizer_name": "no/such-repository"}
    (tmp_path / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": {"text_cfg": config, "vision_cfg": {}}})
    )
    texts = text_length(str(tmp_path))
    assert texts is not None and texts.most == 24
    name = "old red bus golden retriever"
    assert texts.longest([f"{name}."], beside=4, exactly=False) is None
    tokens, place = texts.longest(["a.", f"{name}."], beside=4) or (0, 0)
    assert place == 1 and 0 < tokens <= 24
    room = 24 - tokens
    tokenizer = make_tokenizer(config, tmp_path)
    make_layout(tokenizer, [name], room)
    with pytest.raises(UserError, match="does not fit the text tower"):
        make_layout(tokenizer, [name], room + 1)
