"""Layouts are made once, and are refused and warned about each time."""

import pytest
import torch
from open_clip import SimpleTokenizer

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm import kept_layouts
from nemesis_sweep.vlm.kept_layouts import MOST, KeptLayouts
from nemesis_sweep.vlm.layout import make_layout, text_layout

TOKENIZER = SimpleTokenizer()


def same(a, b):
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("tokens", "slots", "lengths"))


def test_the_same_words_are_laid_out_once():
    kept = KeptLayouts()
    first = kept.prompts(TOKENIZER, ["cat", "old bus"], 4, "middle")
    assert kept.prompts(TOKENIZER, ("cat", "old bus"), 4, "middle") is first
    assert same(first, make_layout(TOKENIZER, ["cat", "old bus"], 4, "middle"))
    others = [(["cat"], 4, "middle"), (["cat", "old bus"], 3, "middle"), (["cat", "old bus"], 4, "end")]
    for other in others:
        assert same(kept.prompts(TOKENIZER, *other), make_layout(TOKENIZER, *other))
    assert kept.prompts(SimpleTokenizer(), ["cat", "old bus"], 4, "middle") is not first


def test_plain_texts_are_kept_too():
    kept = KeptLayouts()
    first = kept.texts(TOKENIZER, ["a cat.", "a dog."])
    assert kept.texts(TOKENIZER, ["a cat.", "a dog."]) is first
    assert same(first, text_layout(TOKENIZER, ["a cat.", "a dog."]))


def test_the_longest_unused_goes():
    kept = KeptLayouts()
    first, second = (kept.prompts(TOKENIZER, [name], 2, "end") for name in ("cat", "dog"))
    for number in range(MOST - 1):
        assert kept.prompts(TOKENIZER, ["cat"], 2, "end") is first
        kept.prompts(TOKENIZER, [f"thing {number}"], 2, "end")
    assert kept.prompts(TOKENIZER, ["cat"], 2, "end") is first
    assert kept.prompts(TOKENIZER, ["dog"], 2, "end") is not second


def test_many_class_names_are_kept_for_few_layouts(monkeypatch):
    """The newest is kept however many there are."""
    monkeypatch.setattr(kept_layouts, "PROMPTS", 5)
    kept = KeptLayouts()
    names = [f"thing {number}" for number in range(3)]
    first = kept.prompts(TOKENIZER, names, 2, "end")
    kept.prompts(TOKENIZER, names[:2], 2, "end")
    assert kept.prompts(TOKENIZER, names, 2, "end") is first
    large = kept.prompts(TOKENIZER, [f"other {number}" for number in range(6)], 2, "end")
    assert kept.prompts(TOKENIZER, large.names, 2, "end") is large
    assert kept.prompts(TOKENIZER, names, 2, "end") is not first


def test_errors_and_warnings_come_each_time():
    kept = KeptLayouts()
    for _ in range(2):
        with pytest.warns(UserWarning, match="given more than once: 'cat'"):
            kept.prompts(TOKENIZER, ["cat", "cat"], 2, "end")
        with pytest.raises(UserError, match="unknown class position"):
            kept.prompts(TOKENIZER, ["cat"], 2, "left")


def test_what_was_made_for_predictions_serves_training(tiny_backbone):
    from nemesis_sweep.vlm.text import encode_text

    with torch.inference_mode():
        layout = tiny_backbone.layout(["cat", "dog"], 3)
    assert tiny_backbone.to(precision="bf16").layout(["cat", "dog"], 3) is layout
    context = torch.randn(1, 3, tiny_backbone.text_width, requires_grad=True)
    encode_text(tiny_backbone.text, layout, context).sum().backward()
    assert context.grad.isfinite().all()
