"""The rules by which the embedded data was made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch

from nemesis_sweep.embedded.make.augment import SIDE, augment, warp
from nemesis_sweep.embedded.make.clipart import ink
from nemesis_sweep.embedded.make.encoding import encode_captions
from nemesis_sweep.embedded.make.groups import group_pictures, near_duplicates, series_key, thumbnails
from nemesis_sweep.embedded.make.openclipart import is_public_domain
from nemesis_sweep.embedded.make.pretrain import model_config, same_caption
from nemesis_sweep.embedded.make.sentences import KIND, MOST_TOKENS, NAME, Sentences
from nemesis_sweep.embedded.make.vocabulary import compact_ids, rows_in_both
from nemesis_sweep.embedded.make.wordnet import WordNet

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


def test_captions_share_their_beginning_and_end_with_the_end_token(
    tokenizer: open_clip.SimpleTokenizer,
) -> None:
    sentences, rng = Sentences(tokenizer), np.random.default_rng(0)
    entries = [
        {"name": name, "tags": ["fresh"], "kinds": ["edible fruit", "food"]} for name in ("red apple", "pear")
    ]
    beginnings = {tuple(tokenizer.encode(t.split("{}")[0])) for t in (*NAME, *KIND)}
    for _ in range(100):
        captions = sentences.sample(entries, "", rng)
        assert captions.before in beginnings
        for row in captions.rows:
            assert row.index(tokenizer.eot_token_id) == len(row) - 1
            assert len(row) <= MOST_TOKENS + 6


def test_bare_captions_are_a_subject_and_a_full_stop(tokenizer: open_clip.SimpleTokenizer) -> None:
    sentences, rng = Sentences(tokenizer), np.random.default_rng(0)
    entry = {"name": "red apple", "tags": [], "kinds": []}
    captions = sentences.sample([entry], "", rng, bare=True)
    assert captions.before == ()
    assert captions.rows == [(*tokenizer.encode("red apple."), tokenizer.eot_token_id)]


def test_captions_read_behind_one_beginning_are_as_open_clip_reads_them() -> None:
    torch.manual_seed(0)
    model = open_clip.CLIP(**model_config(8, 2, 600)).eval()
    before, captions = torch.randint(1, 500, (5,)), torch.randint(1, 500, (3, 6))
    captions[torch.arange(3), torch.tensor([5, 3, 4])] = 599  # end tokens; what comes after is not read
    whole = torch.zeros(3, 77, dtype=torch.long)
    whole[:, :5], whole[:, 5:11] = before, captions
    with torch.no_grad():
        found = encode_captions(model, model.token_embedding(before), captions)
        assert torch.allclose(found, model.encode_text(whole, normalize=True), atol=1e-5)


def test_pictures_with_the_same_caption_share_what_is_due() -> None:
    targets = same_caption(torch.tensor([[1, 2], [3, 4], [1, 2]]))
    assert targets.tolist() == [[0.5, 0, 0.5], [0, 1, 0], [0.5, 0, 0.5]]


def test_kinds_are_the_first_sense_and_the_nearest_first(tmp_path: Path) -> None:
    synsets = [("entity", None), ("animal", 0), ("bird", 1), ("eagle", 2), ("emblem", 0)]
    data, places = b"", []
    for word, above in synsets:
        places.append(len(data))
        pointer = "000" if above is None else f"001 @ {places[above]:08d} n 0000"
        data += f"{places[-1]:08d} 05 n 01 {word} 0 {pointer} | a gloss\n".encode()
    (tmp_path / "data.noun").write_bytes(data)
    senses = f"eagle n 2 1 @ 2 0 {places[3]:08d} {places[4]:08d}"
    (tmp_path / "index.noun").write_text(f"  1 licence\n{senses}\n")
    wordnet = WordNet(tmp_path)
    assert wordnet.kinds("two golden eagles") == ["bird", "animal"]
    assert wordnet.kinds("no such thing") == []


def test_ink_parts_dark_from_light() -> None:
    picture = np.full((48, 48, 3), 250, np.uint8)
    picture[10:20, 10:20] = (200, 30, 30)
    drawn = ink(picture)
    assert (drawn[10:20, 10:20] == 0).all()
    assert (drawn == 0).sum() == 10 * 10 * 3


def test_the_end_token_is_the_highest_of_the_compact_vocabulary(tokenizer: open_clip.SimpleTokenizer) -> None:
    ids = compact_ids(tokenizer, ["red apple"])
    assert list(ids) == sorted(set(ids.tolist()))
    assert ids[-1] == tokenizer.eot_token_id
    assert set(tokenizer.encode("red apple")) <= set(ids.tolist())


def test_rows_of_shared_tokens_are_found_in_both_tables() -> None:
    new, old = np.array([2, 5, 7, 9]), torch.tensor([5, 6, 9])
    assert rows_in_both(new, old) == ([1, 3], [0, 2])


def test_augmentation_is_seeded_and_keeps_the_paper_white() -> None:
    pictures = torch.from_numpy(blobs(4))
    flags = torch.tensor([True, True, False, False])
    first = augment(pictures, flags, ~flags, torch.Generator().manual_seed(1))
    again = augment(pictures, flags, ~flags, torch.Generator().manual_seed(1))
    assert first.shape == (4, 3, SIDE, SIDE)
    assert torch.equal(first, again)
    blank = warp(torch.ones(2, 3, 56, 56), torch.ones(2, dtype=torch.bool), torch.Generator().manual_seed(2))
    assert blank.allclose(torch.ones_like(blank))
