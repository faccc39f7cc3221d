"""The rules by which the embedded data was made."""

from __future__ import annotations

import numpy as np
import open_clip
import pytest
import torch

from nemesis_sweep.embedded.make.augment import SIDE, augment, warp
from nemesis_sweep.embedded.make.emoji_classes import without_class
from nemesis_sweep.embedded.make.groups import group_pictures, near_duplicates, series_key, thumbnails
from nemesis_sweep.embedded.make.openclipart import is_public_domain
from nemesis_sweep.embedded.make.sentences import LIMITS, Sentences
from nemesis_sweep.embedded.make.vocabulary import compact_ids

PUBLIC = '<license rdf:resource="http://web.resource.org/cc/PublicDomain"/>'
GPL = '<license rdf:resource="http://creativecommons.org/licenses/GPL/2.0/"/>'


@pytest.fixture(scope="module")
def tokenizer() -> open_clip.SimpleTokenizer:
    return open_clip.SimpleTokenizer()


def blobs(count: int) -> np.ndarray:
    """Different pictures of a few large blocks each."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), np.uint8)
    return coarse.repeat(14, 1).repeat(14, 2)


@pytest.mark.parametrize(
    "stem, key",
    [
        ("people_juliane_krug_01a", "people_juliane_krug"),
        ("burrito_bw_ganson", "burrito_ganson"),
        ("home12", "home"),
        ("ant", "ant"),
    ],
)
def test_series_key(stem: str, key: str) -> None:
    assert series_key(stem) == key


def test_a_mirrored_picture_is_a_near_duplicate() -> None:
    thumbs = thumbnails(blobs(6))
    pairs = set(near_duplicates(thumbs, thumbs[:, :, ::-1]))
    assert {(i, i) for i in range(6)} <= pairs
    assert len(pairs) == 6


def test_groups_join_copies_and_series_and_nothing_else() -> None:
    pictures = blobs(5)
    pictures[1] = pictures[0][:, ::-1]
    groups = group_pictures(pictures, ["apple", "copy", "house_01", "house_02", "tree"])
    assert groups[0] == groups[1]
    assert groups[2] == groups[3]
    assert len(set(groups.tolist())) == 3


@pytest.mark.parametrize("svg, expected", [(PUBLIC, True), ("", False), (GPL, False), (PUBLIC + GPL, False)])
def test_only_pictures_that_say_public_domain_and_nothing_else_are_read(svg: str, expected: bool) -> None:
    assert is_public_domain(svg) is expected


@pytest.mark.parametrize(
    "text, name, left",
    [
        ("red heart", "heart", "red"),
        ("hearts", "heart", ""),
        ("instrument", "musical instrument", ""),
        ("hat", "heart", "hat"),
    ],
)
def test_class_names_are_taken_out_of_captions(text: str, name: str, left: str) -> None:
    assert without_class(text, name) == left


@pytest.mark.parametrize("length", LIMITS)
def test_captions_keep_their_limits_and_end_tokens(length: str, tokenizer: open_clip.SimpleTokenizer) -> None:
    sentences, rng = Sentences(tokenizer), np.random.default_rng(0)
    entry = {"name": "red apple", "tags": [f"word{i}" for i in range(40)]}
    captions = [sentences.sample(entry, length, rng) for _ in range(100)]
    assert max(map(len, captions)) <= LIMITS[length]
    for caption in captions:
        assert caption[0] == tokenizer.sot_token_id
        assert caption.index(tokenizer.eot_token_id) == len(caption) - 1


def test_the_end_token_is_the_highest_of_the_compact_vocabulary(tokenizer: open_clip.SimpleTokenizer) -> None:
    ids = compact_ids(tokenizer, ["red apple"])
    assert list(ids) == sorted(set(ids.tolist()))
    assert ids[-1] == tokenizer.eot_token_id
    assert set(tokenizer.encode("red apple")) <= set(ids.tolist())


def test_augmentation_is_seeded_and_keeps_the_paper_white() -> None:
    pictures = torch.from_numpy(blobs(4))
    flags = torch.tensor([True, True, False, False])
    first = augment(pictures, flags, ~flags, torch.Generator().manual_seed(1))
    again = augment(pictures, flags, ~flags, torch.Generator().manual_seed(1))
    assert first.shape == (4, 3, SIDE, SIDE)
    assert torch.equal(first, again)
    blank = warp(torch.ones(2, 3, 56, 56), torch.ones(2, dtype=torch.bool), torch.Generator().manual_seed(2))
    assert blank.allclose(torch.ones_like(blank))
