import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.layout import Layout, make_layout, text_layout, unknown_tokens
from tests.vlm.conftest import UNEVEN, WordTokenizer


def written(tokenizer: SimpleTokenizer, layout: Layout, row: int) -> str:
    """A row in words: context vectors as v0, v1, ..."""
    words = [
        f"v{slot}" if slot >= 0 else tokenizer.decoder[token].removesuffix("</w>")
        for token, slot in zip(layout.tokens[row].tolist(), layout.slots[row].tolist(), strict=True)
    ]
    return " ".join(words[: layout.lengths[row]])


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("end", "<start_of_text> v0 v1 v2 golden retriever . <end_of_text>"),
        ("middle", "<start_of_text> v0 golden retriever v1 v2 . <end_of_text>"),
        ("front", "<start_of_text> golden retriever v0 v1 v2 . <end_of_text>"),
    ],
)
def test_the_name_moves_and_the_context_fills_the_rest(
    tokenizer: SimpleTokenizer, position: str, expected: str
) -> None:
    layout = make_layout(tokenizer, ["cat", "golden_retriever"], 3, position)
    assert written(tokenizer, layout, 1) == expected
    assert layout.lengths.tolist() == [7, 8]
    assert layout.names == ("cat", "golden_retriever")


@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_every_vector_has_one_place_in_every_prompt(tokenizer: SimpleTokenizer, position: str) -> None:
    layout = make_layout(tokenizer, UNEVEN, 5, position)
    for slots in layout.slots:
        assert slots[slots >= 0].tolist() == [0, 1, 2, 3, 4]


def test_end_is_the_tokenised_prompt_itself(tokenizer: SimpleTokenizer) -> None:
    layout = make_layout(tokenizer, UNEVEN, 4)
    prompts = ["X X X X " + name.replace("_", " ") + "." for name in UNEVEN]
    assert torch.equal(layout.ids(), tokenizer(prompts))


def test_a_full_stop_that_merges_counts_as_part_of_the_name(tokenizer: SimpleTokenizer) -> None:
    layout = make_layout(tokenizer, ["St. Bernard."], 1, "front")
    assert written(tokenizer, layout, 0) == "<start_of_text> st . bernard .. v0 <end_of_text>"


def test_a_tokenizer_without_a_start_token_puts_the_context_first() -> None:
    layout = make_layout(WordTokenizer(12, start=None, end=1, pad=1), ["red cat"], 2)
    assert layout.slots[0, :3].tolist() == [0, 1, -1]
    assert layout.lengths.tolist() == [6]


def test_padding_other_than_zero_is_kept() -> None:
    layout = make_layout(WordTokenizer(10, start=0, end=2, pad=7), ["cat"], 2)
    assert layout.tokens[0, 6:].tolist() == [7, 7, 7, 7]
    assert layout.lengths.tolist() == [6]


def test_texts_have_no_context(tokenizer: SimpleTokenizer) -> None:
    layout = text_layout(tokenizer, ["a photo of a cat.", "dog"])
    assert bool((layout.slots == -1).all())
    assert layout.lengths.tolist() == [8, 3]


def test_names_that_do_not_fit_are_named_with_their_length(tokenizer: SimpleTokenizer) -> None:
    with pytest.raises(UserError, match=r"1 of 2 prompts .* n_ctx 16.*'cat cat .*needs 89.*at most 77"):
        make_layout(tokenizer, [" ".join(["cat"] * 70), "dog"], 16)


def test_of_a_long_text_the_beginning_is_shown(tokenizer: SimpleTokenizer) -> None:
    with pytest.raises(UserError, match=r"found 'a photo of .* \.\.\.' needs 202; allowed") as caught:
        text_layout(tokenizer, ["a photo of a " * 50])
    assert len(str(caught.value)) < 160


def test_a_context_longer_than_the_tower_is_refused(tokenizer: SimpleTokenizer) -> None:
    with pytest.raises(UserError, match="n_ctx 400"):
        make_layout(tokenizer, ["cat"], 400)
    assert make_layout(tokenizer, ["cat"], 73).lengths.tolist() == [77]


@pytest.mark.parametrize(
    ("names", "n_ctx", "position", "message"),
    [
        ([], 4, "end", "no class names"),
        (["cat", " _"], 4, "end", r"must not be empty.*\[1\]"),
        (["cat"], 0, "end", "n_ctx must be at least 1; found 0"),
        (["cat"], 4, "back", "found 'back'; allowed: end, middle, front"),
    ],
)
def test_bad_input_is_refused(
    tokenizer: SimpleTokenizer, names: list[str], n_ctx: int, position: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        make_layout(tokenizer, names, n_ctx, position)


def test_duplicate_names_are_allowed_and_warned_about(tokenizer: SimpleTokenizer) -> None:
    with pytest.warns(UserWarning, match="1 class name given more than once: 'crane'"):
        layout = make_layout(tokenizer, ["crane", "cat", "crane"], 4)
    assert layout.n_classes == 3


def test_unknown_tokens_are_counted_per_name(tokenizer: SimpleTokenizer) -> None:
    layout = make_layout(tokenizer, ["cat", "red axolotl"], 2)
    known = set(layout.tokens[0].tolist()) | set(tokenizer.encode("red"))
    shares = unknown_tokens(layout, known)
    assert list(shares) == ["red axolotl"]
    tokens = len(tokenizer.encode("red axolotl"))
    assert shares["red axolotl"] == pytest.approx((tokens - 1) / tokens)
