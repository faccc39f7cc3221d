"""Towers whose text side is a Hugging Face encoder, with a stand-in that has transformers' interface."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from open_clip.hf_model import HFTextEncoder, MeanPooler
from torch import Tensor, nn
from torch.nn import functional as F

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm import vocabulary
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip
from nemesis_sweep.vlm.hugging_face import HuggingFaceTower
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.text import choose_path, encode_text, encode_text_with_states
from nemesis_sweep.vlm.tokenizer import make_tokenizer
from tests.vlm.conftest import WordTokenizer, difference, random_context, value_and_gradient

PAD, WIDTH = 1, 32
NAMES = ["cat", "golden retriever", "a very old bus"]


class Encoder(nn.Module):
    """Embeddings, positions and one layer that looks both ways at what is not padding, as roberta does."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(200, WIDTH, padding_idx=PAD)
        self.positions = nn.Embedding(40, WIDTH)
        self.layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, dropout=0.5, batch_first=True)

    def get_input_embeddings(self) -> nn.Module:
        return self.words

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
    ) -> Any:
        assert attention_mask is not None
        x = self.words(input_ids) if inputs_embeds is None else inputs_embeds
        x = x + self.positions.weight[: x.shape[1]]
        hidden = self.layer(x, src_key_padding_mask=attention_mask == 0)
        return SimpleNamespace(last_hidden_state=hidden)


class TextEncoder(HFTextEncoder):
    """open_clip's wrapper, forward pass, pooling and all, around the stand-in."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.output_tokens, self.output_dim = False, 24
        self.transformer, self.pooler = Encoder(), MeanPooler()
        self.proj = nn.Linear(WIDTH, 24, bias=False)
        self.pooler.cls_token_position = 0
        self.config = SimpleNamespace(pad_token_id=PAD, num_attention_heads=4, num_hidden_layers=1)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.text = TextEncoder()
        self.visual = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 24))
        self.visual.image_size = 8
        self.logit_scale = nn.Parameter(torch.tensor(3.0))


@pytest.fixture()
def backbone() -> Backbone:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Model()
    return backbone_from_open_clip(model, WordTokenizer(20, start=0, end=2, pad=PAD), name="encoder")


def test_facts_of_the_tower(backbone: Backbone) -> None:
    tower = backbone.text
    assert isinstance(tower, HuggingFaceTower)
    assert (tower.width, tower.embed_dim, tower.heads, tower.layers) == (WIDTH, 24, 4, 1)
    assert (tower.context_length, tower.pool, tower.causal) == (20, "mean", False)
    assert not any(tensor.requires_grad for tensor in tower.state().values())
    assert not tower.encoder.training
    assert "looks both ways" in tower.reason


@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_context_goes_in_among_the_word_embeddings(backbone: Backbone, position: str) -> None:
    layout = backbone.layout(NAMES, 3, position)
    tower = backbone.text
    words = tower.token_embedding(torch.full((3,), layout.placeholder)).detach()
    with torch.no_grad():
        own = F.normalize(tower.encoder(layout.ids()), dim=-1)
    for path in ("auto", "plain"):
        ours = encode_text(tower, layout, words[None], path=path)[0]
        torch.testing.assert_close(ours, own, rtol=1e-5, atol=1e-6)


def test_cutting_at_the_longest_text_changes_neither_values_nor_gradients(backbone: Backbone) -> None:
    layout = backbone.layout(NAMES, 3)
    assert choose_path(backbone.text, layout) == "cut"
    context = random_context((2, 3, WIDTH), dtype=torch.float32)
    cut = value_and_gradient(lambda x: encode_text(backbone.text, layout, x), context)
    plain = value_and_gradient(lambda x: encode_text(backbone.text, layout, x, path="plain"), context)
    assert difference(cut[0], plain[0]) < 1e-5
    assert difference(cut[1], plain[1]) < 1e-5
    assert encode_text_with_states(backbone.text, layout, context)[1] is None
    with pytest.raises(UserError, match="cannot take the shared path: attention looks both ways"):
        encode_text(backbone.text, layout, context, path="shared")


def test_padding_that_is_not_masked_is_not_cut_away(backbone: Backbone) -> None:
    other = backbone_from_open_clip(Model(), WordTokenizer(20, start=0, end=2, pad=7))
    layout = other.layout(NAMES, 3)
    assert choose_path(other.text, layout) == "plain"
    with pytest.raises(UserError, match="cannot take the cut path"):
        encode_text(other.text, layout, torch.zeros(1, 3, WIDTH), path="cut")


def test_prompts_learn_with_pan(backbone: Backbone) -> None:
    method = Method(n_ctx=3, omega=0.5, beta=0.5, n_positions=2, epochs=40, lr=0.05, words="old red bus")
    trainer = Trainer(backbone, NAMES, method, seeds=(1, 2))
    images = F.normalize(torch.randn(2, 9, 24, generator=torch.Generator().manual_seed(1)), dim=-1)
    labels = torch.arange(3).repeat(3).expand(2, -1)
    losses = [trainer.step(images, labels, epoch).cross_entropy for epoch in range(20)]
    assert bool((losses[-1] < losses[0] - 0.01).all())


def test_copies_in_other_precisions_and_processes(backbone: Backbone) -> None:
    low = backbone.to(precision="bf16")
    assert (low.text.dtype, backbone.text.dtype) == (torch.bfloat16, torch.float32)
    texts = ["old bus", "cat"]
    torch.testing.assert_close(low.encode_texts(texts), backbone.encode_texts(texts), rtol=0, atol=0.05)
    assert low.fingerprint == backbone.fingerprint
    again = pickle.loads(pickle.dumps(backbone.text))
    assert all(torch.equal(again.state()[name], tensor) for name, tensor in backbone.text.state().items())


def test_what_is_missing_without_transformers_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(vocabulary, "find_spec", lambda _: None)
    for what, call in (
        ("the text encoder roberta-base", lambda: load_backbone("roberta-ViT-B-32@random")),
        ("the tokenizer timm/ViT-B-16-SigLIP", lambda: load_backbone("ViT-B-16-SigLIP@random")),
        ("the tokenizer some/thing", lambda: make_tokenizer({"hf_tokenizer_name": "some/thing"}, tmp_path)),
    ):
        expected = rf"{what} needs the package transformers.*allowed: pip install 'nemesis-sweep\[hf\]'"
        with pytest.raises(UserError, match=expected):
            call()


def test_the_embedded_tokenizer_takes_its_options() -> None:
    text = {"context_length": 32, "tokenizer_kwargs": {"clean": "whitespace"}}
    assert make_tokenizer(json.loads(json.dumps(text)))(["a cat"]).shape == (1, 32)
