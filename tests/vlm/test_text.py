"""The shared path against the plain one: values and gradients of every mode."""

import itertools
from typing import Any

import pytest
import torch
from open_clip.model import CustomTextCLIP
from open_clip.tokenizer import SimpleTokenizer

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.layout import Layout, make_layout, text_layout
from nemesis_sweep.vlm.text import choose_path, encode_text, encode_text_with_states, why_not_shared
from nemesis_sweep.vlm.text_tower import text_tower
from nemesis_sweep.vlm.tower import TextTower
from tests.vlm.conftest import (
    UNEVEN,
    WordTokenizer,
    difference,
    make_model,
    random_context,
    value_and_gradient,
)

POSITIONS = ["end", "middle", "front"]

# Forty names of two tokens.
ADJECTIVES = ("red", "old", "big", "new", "wet", "hot", "dry", "raw")
TWO_WORDS = [f"{noun} {word}" for noun in ("cat", "dog", "bus", "car", "hat") for word in ADJECTIVES]

# n_ctx, replicates and path of each model; `clip` is tried most.
CASES = {"clip": [(4, 3, "shared"), (5, 1, "cut")], "one_layer": [(1, 2, "shared")]}


def shape(layout: Layout, tower: TextTower, per_class: bool, replicates: int) -> tuple[int, ...]:
    classes = (layout.n_classes,) if per_class else ()
    return (replicates, *classes, layout.n_ctx, tower.width)


def compare(tower: TextTower, layout: Layout, context: torch.Tensor, path: str) -> tuple[float, float]:
    """Relative differences of values and gradients between a path and the plain one."""
    ours = value_and_gradient(lambda x: encode_text(tower, layout, x, path=path), context)
    plain = value_and_gradient(lambda x: encode_text(tower, layout, x, path="plain"), context)
    return difference(ours[0], plain[0]), difference(ours[1], plain[1])


@pytest.mark.parametrize("name", ["clip", "quickgelu", "custom", "one_layer", "no_projection"])
@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("per_class", [False, True])
def test_float64_values_and_gradients(
    models: dict[str, Any], tokenizer: SimpleTokenizer, name: str, position: str, per_class: bool
) -> None:
    tower = text_tower(models[name])
    for n_ctx, replicates, path in CASES.get(name, [(3, 2, "shared")]):
        layout = make_layout(tokenizer, UNEVEN, n_ctx, position)
        context = random_context(shape(layout, tower, per_class, replicates))
        value, gradient = compare(tower, layout, context, path)
        assert value <= 1e-10, (n_ctx, replicates, path)
        assert gradient <= 1e-10, (n_ctx, replicates, path)


@pytest.mark.parametrize(("position", "per_class"), list(itertools.product(POSITIONS, [False, True])))
def test_float32_values_and_gradients(
    models: dict[str, Any], tokenizer: SimpleTokenizer, position: str, per_class: bool
) -> None:
    tower = text_tower(models["quickgelu"]).to(torch.float32)
    layout = make_layout(tokenizer, UNEVEN, 16, position)
    context = random_context(shape(layout, tower, per_class, 2), dtype=torch.float32)
    assert max(compare(tower, layout, context, "shared")) <= 1e-5


@pytest.mark.parametrize("names", [["cat"], ["cat", "cat"], ["big cat", "big dog", "big old dog"]])
@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.filterwarnings("ignore:.*more than once")
def test_names_with_a_common_beginning(
    models: dict[str, Any], tokenizer: SimpleTokenizer, names: list[str], position: str
) -> None:
    tower = text_tower(models["clip"])
    layout = make_layout(tokenizer, names, 3, position)
    for per_class in (False, True):
        context = random_context(shape(layout, tower, per_class, 2))
        assert max(compare(tower, layout, context, "shared")) <= 1e-10


def test_prompts_as_long_as_the_tower(models: dict[str, Any], tokenizer: SimpleTokenizer) -> None:
    tower = text_tower(models["clip"])
    for position in POSITIONS:
        layout = make_layout(tokenizer, ["cat", "red dog"], 72, position)
        context = random_context(shape(layout, tower, False, 1))
        assert max(compare(tower, layout, context, "shared")) <= 1e-10


def test_pooling_by_eos_without_a_start_token() -> None:
    """As worldwide CLIPs pool, but with nothing constant in front: no row may end up without a key."""
    config = {
        "pool_type": "eos",
        "eos_id": 2,
        "vocab_size": 60,
        "context_length": 20,
        "width": 64,
        "heads": 2,
    }
    tower = text_tower(make_model(CustomTextCLIP, **config).double())
    for start, per_class in itertools.product([None, 0], [False, True]):
        layout = make_layout(WordTokenizer(20, start=start, end=2, pad=1), ["cat", "big red cat"], 3)
        assert choose_path(tower, layout) == "shared"
        context = random_context(shape(layout, tower, per_class, 2))
        assert max(compare(tower, layout, context, "shared")) <= 1e-10


def test_texts_without_context(models: dict[str, Any], tokenizer: SimpleTokenizer) -> None:
    tower = text_tower(models["clip"])
    layout = text_layout(tokenizer, ["a photo of a cat.", "a photo of an extremely old dog.", "art"])
    nothing = torch.zeros(1, 0, tower.width, dtype=torch.float64)
    shared = encode_text(tower, layout, nothing, path="shared")
    torch.testing.assert_close(
        shared, encode_text(tower, layout, nothing, path="plain"), rtol=1e-11, atol=1e-11
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_towers_keep_an_fp32_context(
    models: dict[str, Any], tokenizer: SimpleTokenizer, dtype: torch.dtype
) -> None:
    exact = text_tower(models["clip"]).to(torch.float32)
    layout = make_layout(tokenizer, UNEVEN, 4)
    context = random_context((1, 4, 128), dtype=torch.float32)
    low = value_and_gradient(lambda x: encode_text(exact.to(dtype), layout, x), context)
    full = value_and_gradient(lambda x: encode_text(exact, layout, x), context)
    assert low[0].dtype == low[1].dtype == torch.float32
    assert difference(low[0], full[0]) < 0.03
    assert difference(low[1], full[1]) < 0.1


def test_a_replicate_does_not_depend_on_its_neighbours(
    models: dict[str, Any], tokenizer: SimpleTokenizer
) -> None:
    tower = text_tower(models["clip"])
    layout = make_layout(tokenizer, UNEVEN, 4, "middle")
    contexts = random_context((3, 4, 128)).detach()
    together = encode_text(tower, layout, contexts)
    alone = torch.cat([encode_text(tower, layout, context[None]) for context in contexts])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)


def test_a_first_use_without_gradients_does_not_break_training(tokenizer: SimpleTokenizer) -> None:
    tower = text_tower(make_model(width=64, heads=2))
    layout = make_layout(tokenizer, UNEVEN, 2, "middle")
    context = random_context((1, 2, 64), dtype=torch.float32)
    with torch.inference_mode():
        assert encode_text(tower, layout, context.detach()).grad_fn is None
    encode_text(tower, layout, context).sum().backward()
    assert context.grad is not None


def saved_bytes(tower: TextTower, layout: Layout) -> int:
    """Bytes that a forward pass keeps for the backward one, each storage once, weights aside."""
    encode_text(tower, layout, torch.zeros(1, layout.n_ctx, tower.width))
    fixed = {tensor.untyped_storage().data_ptr() for tensor in tower.state().values()}
    sizes: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in fixed:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    context = random_context((1, layout.n_ctx, tower.width), dtype=torch.float32)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        features = encode_text(tower, layout, context)
    assert features.requires_grad
    return sum(sizes.values())


def test_memory_holds_no_copy_of_the_shared_keys_per_class(tokenizer: SimpleTokenizer) -> None:
    layers, classes = 2, 40
    tower = text_tower(make_model(layers=layers))
    names = TWO_WORDS
    few, many = (saved_bytes(tower, make_layout(tokenizer, names, n_ctx)) for n_ctx in (4, 24))
    # Twenty more shared positions, copied per class, would be 20 * (key + value) * width * 4 bytes per layer.
    copied = layers * classes * 20 * 2 * tower.width * 4
    assert many - few < 0.15 * copied


def test_a_long_name_costs_its_own_length_only(tokenizer: SimpleTokenizer) -> None:
    tower = text_tower(make_model(layers=2))
    short = TWO_WORDS
    long = " ".join(["cat"] * 50)
    without, with_long = (
        saved_bytes(tower, make_layout(tokenizer, names, 4)) for names in (short, [*short, long])
    )
    # 40 names of 4 rows, then one of 52.
    assert with_long / without < 1.15 * (160 + 52) / 160


@pytest.mark.parametrize(
    ("config", "reason"),
    [({"no_causal_mask": True, "pool_type": "last"}, "both ways"), ({"embed_cls": True}, "class embedding")],
)
def test_towers_that_cannot_share_take_the_plain_path(
    tokenizer: SimpleTokenizer, config: dict[str, Any], reason: str
) -> None:
    tower = text_tower(make_model(CustomTextCLIP, width=64, heads=2, **config))
    layout = make_layout(tokenizer, ["cat", "red dog"], 3)
    context = random_context((2, 3, 64), dtype=torch.float32)
    assert choose_path(tower, layout) == "plain"
    assert reason in why_not_shared(tower, layout)
    plain = encode_text(tower, layout, context, path="plain")
    assert torch.equal(encode_text(tower, layout, context), plain)
    assert encode_text_with_states(tower, layout, context)[1] is None
    for path in ("shared", "cut"):
        with pytest.raises(UserError, match=f"cannot take the {path} path: .*{reason}"):
            encode_text(tower, layout, context, path=path)


def test_a_tokenizer_that_ends_elsewhere_takes_the_plain_path() -> None:
    config = {"vocab_size": 60, "context_length": 20, "width": 64, "heads": 2}
    tower = text_tower(make_model(**config))
    layout = make_layout(WordTokenizer(20, start=0, end=2, pad=1), ["cat"], 3)
    assert tower.can_share
    assert "not the end of the prompt" in why_not_shared(tower, layout)
    assert choose_path(tower, layout) == "plain"


@pytest.mark.parametrize("bad", [(1, 5, 128), (1, 4, 256), (1, 3, 4, 128), (4, 128), (1, 1, 2, 4, 128)])
def test_contexts_that_do_not_fit_are_refused(
    models: dict[str, Any], tokenizer: SimpleTokenizer, bad: tuple[int, ...]
) -> None:
    layout = make_layout(tokenizer, ["cat", "dog"], 4)
    with pytest.raises(UserError, match=r"does not fit.*\(R, 4, 128\) shared, or \(R, 2, 4, 128\)"):
        encode_text(text_tower(models["clip"]), layout, torch.zeros(bad))


def test_a_layout_of_another_length_is_refused(models: dict[str, Any]) -> None:
    layout = make_layout(SimpleTokenizer(context_length=32), ["cat"], 4)
    with pytest.raises(UserError, match="layout of 32 tokens; allowed: 77"):
        encode_text(text_tower(models["clip"]), layout, torch.zeros(1, 4, 128))


def test_an_unknown_path_is_refused(models: dict[str, Any], tokenizer: SimpleTokenizer) -> None:
    layout = make_layout(tokenizer, ["cat"], 4)
    with pytest.raises(UserError, match="found 'fast'; allowed: auto, shared, cut, plain"):
        encode_text(text_tower(models["clip"]), layout, torch.zeros(1, 4, 128), path="fast")


@pytest.mark.parametrize(("name", "path"), [("clip", "shared"), ("clip", "cut"), ("clip", "plain")])
def test_features_have_the_lengths_of_the_tower_where_they_are_asked_for(
    models: dict[str, Any], tokenizer: SimpleTokenizer, name: str, path: str
) -> None:
    model, tower = models[name], text_tower(models[name])
    layout = text_layout(tokenizer, UNEVEN)
    nothing = torch.zeros(1, 0, tower.width, dtype=tower.dtype)
    with torch.no_grad():
        own = model.encode_text(layout.tokens, normalize=False)
        found = encode_text(tower, layout, nothing, path=path, normalised=False)[0]
    torch.testing.assert_close(found, own, rtol=1e-8, atol=1e-8)
