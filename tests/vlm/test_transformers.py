"""Hugging Face's own encoders and tokenizers, small and built here. They need the package transformers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from click.testing import CliRunner
from torch.nn import functional as F

from nemesis_sweep.cli import main
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.building import build_model
from nemesis_sweep.vlm.configuration import architecture_config
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip
from nemesis_sweep.vlm.inspection import inspect_backbone
from nemesis_sweep.vlm.layout import make_layout
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.text import encode_text
from nemesis_sweep.vlm.tokenizer import make_tokenizer
from tests.virtual_gpu import DEVICE, VirtualGPU
from tests.vlm.conftest import VISION, difference, random_context, value_and_gradient
from tests.vlm.families import save_model, small_config, small_timm
from tests.vlm.test_families import through_the_model

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

NAMES = ["cat", "golden_retriever", "St. Bernard."]
CORPUS = ["a photo of a cat.", "golden retriever", "st bernard, an old red bus", "x x x X X X"]
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 400,
    "max_position_embeddings": 80,
    "pad_token_id": 1,
    "initializer_range": 0.3,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
T5 = {
    "d_model": 32,
    "d_kv": 16,
    "d_ff": 64,
    "num_layers": 2,
    "num_heads": 2,
    "vocab_size": 400,
    "pad_token_id": 0,
    "eos_token_id": 1,
}


def save_tokenizer(folder: Path, *, kind: str) -> None:
    """A tokenizer of roberta's kind (byte pairs, <s> and </s>), or of SigLIP's (pieces, </s> only)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    specials = {
        "roberta": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        "siglip": ["<unk>", "</s>"],
        "siglip2": ["<pad>", "</s>", "<bos>", "<unk>"],
    }[kind]
    words = Tokenizer(models.BPE(unk_token="<unk>"))
    if kind == "roberta":
        words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        words.decoder = decoders.ByteLevel()
    else:
        words.pre_tokenizer = pre_tokenizers.Metaspace()
    alphabet = pre_tokenizers.ByteLevel.alphabet() if kind == "roberta" else []
    trainer = trainers.BpeTrainer(vocab_size=350, special_tokens=specials, initial_alphabet=alphabet)
    words.train_from_iterator(CORPUS * 20, trainer)
    template = "<s> $A </s>" if kind == "roberta" else "$A </s>"
    framed = [(name, words.token_to_id(name)) for name in ("<s>", "</s>") if name in template]
    words.post_processor = processors.TemplateProcessing(single=template, special_tokens=framed)
    pad = "</s>" if kind == "siglip" else "<pad>"
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="</s>", pad_token=pad, unk_token="<unk>"
    )
    fast.save_pretrained(folder)


M2M = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "vocab_size": 400,
    "max_position_embeddings": 80,
    "init_std": 0.3,
}


@pytest.fixture(params=["roberta", "xlm-roberta", "bert", "mt5", "m2m_100"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """An architecture whose text side is an encoder that lies, with its tokenizer, in a folder."""
    folder = tmp_path / request.param
    sizes = {"mt5": T5, "m2m_100": M2M}.get(request.param, SIZES)
    config = transformers.AutoConfig.for_model(request.param, **sizes)
    config.save_pretrained(folder)
    save_tokenizer(folder, kind="siglip2" if request.param == "mt5" else "roberta")
    pooler = "cls_pooler" if request.param in ("bert", "m2m_100") else "mean_pooler"
    text = {"hf_model_name": str(folder), "hf_tokenizer_name": str(folder), "hf_pooler_type": pooler}
    yield {"embed_dim": 24, "vision_cfg": VISION, "text_cfg": {"context_length": 24} | text}


@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_encoders_give_their_own_values_and_gradients(encoder: dict[str, Any], position: str) -> None:
    model: Any = build_model(encoder)
    backbone = backbone_from_open_clip(model, make_tokenizer(encoder["text_cfg"]))
    layout = backbone.layout(NAMES, 3, position)
    context = random_context((1, 3, 32), dtype=torch.float32)
    words = model.text.transformer.get_input_embeddings()
    own = value_and_gradient(through_the_model(model, words, layout), context)
    for path in ("auto", "plain"):
        ours = value_and_gradient(
            lambda x, path=path: encode_text(backbone.text, layout, x, path=path), context
        )
        assert difference(ours[0], own[0]) < 1e-5, path
        assert difference(ours[1], own[1]) < 1e-5, path


def test_encoders_learn_and_survive_being_saved(encoder: dict[str, Any], tmp_path: Path) -> None:
    model = build_model(encoder)
    folder = save_model(tmp_path / "m", model, encoder)
    backbone = load_backbone(str(folder))
    before = backbone_from_open_clip(model, make_tokenizer(encoder["text_cfg"]))
    assert backbone.fingerprint == before.fingerprint
    facts = inspect_backbone(str(folder))
    assert (facts.text_path, facts.text_width, facts.text_layers, facts.cached) == ("cut", 32, 2, True)
    method = Method(n_ctx=3, omega=0.5, beta=0.5, epochs=30, lr=5.0)
    trainer = Trainer(backbone, NAMES, method, seeds=(1,))
    images = F.normalize(torch.randn(1, 9, 24, generator=torch.Generator().manual_seed(1)), dim=-1)
    labels = torch.arange(3).repeat(3)[None]
    losses = [trainer.step(images, labels, epoch).cross_entropy for epoch in range(15)]
    assert bool((losses[-1] < losses[0] - 0.005).all())


@pytest.mark.parametrize("architecture", ["ViT-B-16-SigLIP", "ViT-B-16-SigLIP2"])
def test_siglip_reads_its_tokenizer_from_its_folder(architecture: str, tmp_path: Path) -> None:
    config = small_config(architecture)
    config["text_cfg"] |= {"vocab_size": 400, "hf_tokenizer_name": "no/such-repository"}
    with small_timm(architecture):
        model: Any = build_model(config)
        folder = save_model(tmp_path / "m", model, config)
        save_tokenizer(folder, kind="siglip" if architecture == "ViT-B-16-SigLIP" else "siglip2")
        backbone = load_backbone(str(folder))
    ids = backbone.tokenizer(["A Photo, of a cat!"])
    assert ids.shape == (1, 64)
    assert torch.equal(ids, backbone.tokenizer(["a photo of a cat"]))
    assert int(ids[0, -1]) == (1 if architecture == "ViT-B-16-SigLIP" else 0)
    layout = backbone.layout(NAMES, 3)
    # No token opens a text, and the full stop is cleaned away: context, name, end.
    assert layout.slots[:, :4].tolist() == [[0, 1, 2, -1]] * 3
    assert layout.ids().gather(1, layout.lengths[:, None] - 1).flatten().tolist() == [1, 1, 1]
    with torch.no_grad():
        own = F.normalize(model.encode_text(backbone.tokenizer(["a photo of a cat"])), dim=-1)
    torch.testing.assert_close(backbone.encode_texts(["A photo of a cat."]), own, rtol=1e-5, atol=1e-6)
    words = Method(words="a photo of a", n_ctx=4, epochs=1)
    trainer = Trainer(backbone, NAMES, words, seeds=(1,))
    assert trainer.learner.context.shape == (1, len(ids_of(backbone.tokenizer, "a photo of a")), 64)


def test_an_exported_model_has_its_tokenizer_beside_it(tmp_path: Path) -> None:
    config = small_config("ViT-B-16-SigLIP")
    config["text_cfg"] |= {"vocab_size": 400, "hf_tokenizer_name": "no/such-repository"}
    with small_timm("ViT-B-16-SigLIP"):
        own = save_model(tmp_path / "own", build_model(config), config)
        save_tokenizer(own, kind="siglip")
        backbone = load_backbone(str(own))
        folder = tmp_path / "exported"
        result = CliRunner().invoke(main, ["backbones", "--export", str(own), str(folder), "--json"])
        assert json.loads(result.stdout) == {"folder": str(folder), "vocabulary": 400, "known_tokens": 400}
        model: Any = open_clip.create_model(f"local-dir:{folder}").eval()
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(["A Photo, of a cat!"])
    assert torch.equal(tokens, backbone.tokenizer(["a photo of a cat"]))
    with torch.no_grad():
        texts = model.encode_text(tokens, normalize=True)
    torch.testing.assert_close(texts, backbone.encode_texts(["a photo of a cat"]), rtol=1e-5, atol=1e-6)
    assert model.logit_bias.item() == backbone.logit_bias


def ids_of(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.tokenizer(text, add_special_tokens=False).input_ids)


def test_clipas_tokenizer_ends_without_an_end(tmp_path: Path) -> None:
    """Bert's, whose [SEP] open_clip turns into padding: the name stands at its place all the same."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "x", "cat", "golden", "ret", "##riever", "."]
    transformers.BertTokenizer(
        vocab={word: number for number, word in enumerate(vocabulary)}
    ).save_pretrained(tmp_path)
    tokenizer = make_tokenizer(architecture_config("ViT-L-14-CLIPA")["text_cfg"], tmp_path)
    layout = make_layout(tokenizer, ["cat", "golden_retriever"], 2, "middle")
    assert layout.slots[:, :7].tolist() == [[-1, 0, -1, 1, -1, -1, -1], [-1, 0, -1, -1, -1, 1, -1]]
    assert layout.ids()[:, :8].tolist() == [[2, 5, 6, 5, 10, 0, 0, 0], [2, 5, 7, 8, 9, 5, 10, 0]]
    assert layout.lengths.tolist() == [5, 7]


def test_a_step_on_a_virtual_gpu_meets_no_other_device(encoder: dict[str, Any]) -> None:
    """transformers looks whether there is padding: one wait for each of the two passes, and no other."""
    backbone = backbone_from_open_clip(build_model(encoder), make_tokenizer(encoder["text_cfg"]))
    images = F.normalize(torch.randn(2, 4, backbone.embed_dim), dim=-1)
    labels = torch.randint(len(NAMES), (2, 4))
    method = Method(n_ctx=3, omega=1.0, beta=0.0, n_positions=2, epochs=5)
    with VirtualGPU() as gpu:
        trainer = Trainer(backbone.to(device=DEVICE), NAMES, method, seeds=(1, 2))
        trainer.step(images, labels, 0)
        gpu.forget()
        trainer.step(images, labels, 1)
        assert not gpu.faults
        assert gpu.waits.total() <= 2
        assert all(what.startswith("value read") and "hugging_face.py" in what for what in gpu.waits)
