"""Class names are as many, as different and as long as they are said to be."""

from __future__ import annotations

import pytest
from open_clip import SimpleTokenizer

from nemesis_sweep.bench.names import class_names
from nemesis_sweep.messages.errors import UserError


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_short_names_are_different_words_of_one_token(count):
    names = class_names("short", count)
    tokenizer = SimpleTokenizer()
    assert len(set(names)) == count
    assert {len(tokenizer.encode(name)) for name in names} == {1}


@pytest.mark.parametrize("count", [2, 10, 400, 1000])
def test_imagenet_like_names_have_1_to_9_tokens(count):
    names = class_names("imagenet-like", count)
    tokenizer = SimpleTokenizer()
    lengths = [len(tokenizer.encode(name)) for name in names]
    assert len(names) == count
    assert (min(lengths), max(lengths)) == (1, 9)
    if count >= 400:
        assert sum(lengths) / count == pytest.approx(2.2, abs=0.2)


def test_bad_requests_name_what_is_allowed():
    with pytest.raises(UserError, match="allowed: short, imagenet-like"):
        class_names("long", 3)
    with pytest.raises(UserError, match="found 1001; allowed: 1 to 1000"):
        class_names("imagenet-like", 1001)
