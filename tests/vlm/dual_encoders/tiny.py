"""A tiny random model of every family of transformers' dual encoders, saved as its own classes save it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers.utils import logging

WIDTH, SIZE, PATCH, DIM = 32, 32, 16, 24
NAMES = ["cat", "golden_retriever", "an old red bus"]
WORDS = [
    *("x", "a", "an", "photo", "of", ".", "cat", "cats", "dog", "golden", "retriever", "old", "red", "bus"),
    *("alarm", "clock", "and", "the", "in", "with", "big", "small"),
]
SHAPE = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_attention_heads": 2}
VISION = {**SHAPE, "num_hidden_layers": 1, "image_size": SIZE, "patch_size": PATCH, "initializer_range": 0.2}
TEXT = {**SHAPE, "num_hidden_layers": 2, "max_position_embeddings": 80, "initializer_range": 0.3}
SQUARE = {"height": SIZE, "width": SIZE}


def bert(words: list[str]) -> Any:
    """BERT's tokenizer with whole words."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    return transformers.BertTokenizer(vocab={word: number for number, word in enumerate(vocabulary)})


def framed(words: list[str], specials: list[str], frame: str, pad: str) -> Any:
    """A tokenizer of whole words that frames texts so."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    ids = {word: number for number, word in enumerate([*specials, *words])}
    ids.setdefault("</s>", len(ids))
    inner = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [(name, ids[name]) for name in ("<s>", "</s>") if name in frame]
    inner.post_processor = processors.TemplateProcessing(single=frame, special_tokens=ends)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token="</s>", pad_token=pad, unk_token="<unk>"
    )


def roberta(words: list[str]) -> Any:
    return framed(words, ["<s>", "<pad>", "</s>", "<unk>"], "<s> $A </s>", "<pad>")


def end_is_highest(words: list[str]) -> Any:
    """As CLIP's own: the end of a text has the highest id, and fills texts up."""
    return framed(["<unk>", "<s>", *words], [], "<s> $A </s>", "</s>")


def siglip_words(words: list[str]) -> Any:
    return framed(words, ["<unk>", "</s>"], "$A </s>", "</s>")


def gemma(words: list[str]) -> Any:
    """SigLIP 2's own class: pieces of words, no token in front, `<eos>` behind."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=specials)
    inner.train_from_iterator([" ".join(words)] * 20, trainer)
    model = json.loads(inner.to_str())["model"]
    return transformers.Siglip2Tokenizer(
        vocab=model["vocab"], merges=[tuple(each) for each in model["merges"]]
    )


def padded_by_another(words: list[str]) -> Any:
    return framed(words, ["<pad>", "</s>", "<unk>"], "$A </s>", "<pad>")


def blip(text: dict[str, Any]) -> Any:
    shared = {"projection_dim": DIM}
    text = {**text, **shared, "encoder_hidden_size": WIDTH, "pad_token_id": 0, "bos_token_id": 2}
    config = transformers.BlipConfig(
        text_config={**text, "sep_token_id": 3},
        vision_config={**VISION, **shared},
        image_text_hidden_size=DIM,
        **shared,
    )
    return transformers.BlipForImageTextRetrieval(config)


def blip2(text: dict[str, Any]) -> Any:
    config = transformers.Blip2Config(
        vision_config=VISION,
        qformer_config={
            **text,
            "encoder_hidden_size": WIDTH,
            "cross_attention_frequency": 2,
            "use_qformer_text_input": True,
            "pad_token_id": 0,
        },
        text_config={"model_type": "opt", **SHAPE, "num_hidden_layers": 1, "vocab_size": 60},
        num_query_tokens=4,
        image_text_hidden_size=DIM,
    )
    return transformers.Blip2ForImageTextRetrieval(config)


def align(text: dict[str, Any]) -> Any:
    vision = {
        "image_size": SIZE,
        "width_coefficient": 1.0,
        "depth_coefficient": 1.0,
        "hidden_dim": DIM,
        "kernel_sizes": [3, 3],
        "in_channels": [32, 16],
        "out_channels": [16, DIM],
        "strides": [1, 2],
        "num_block_repeats": [1, 1],
        "expand_ratios": [1, 2],
        "depthwise_padding": [],
        "initializer_range": 0.2,
    }
    return transformers.AlignModel(
        transformers.AlignConfig(text_config=text, vision_config=vision, projection_dim=DIM)
    )


def chinese_clip(text: dict[str, Any]) -> Any:
    config = transformers.ChineseCLIPConfig(
        text_config=text, vision_config={**VISION, "projection_dim": DIM}, projection_dim=DIM
    )
    return transformers.ChineseCLIPModel(config)


def altclip(text: dict[str, Any]) -> Any:
    text = {**text, "pad_token_id": 1, "project_dim": 20}
    config = transformers.AltCLIPConfig(
        text_config=text, vision_config={**VISION, "projection_dim": DIM}, projection_dim=DIM
    )
    return transformers.AltCLIPModel(config)


def siglip(text: dict[str, Any]) -> Any:
    text = {**text, "max_position_embeddings": 24, "projection_size": WIDTH, "pad_token_id": 1}
    return transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=VISION))


def siglip2(text: dict[str, Any]) -> Any:
    text = {**text, "max_position_embeddings": 24, "projection_size": WIDTH, "pad_token_id": 0}
    vision = {name: value for name, value in VISION.items() if name != "image_size"}
    # Positions of a finer grid than the images have: they are resized.
    config = transformers.Siglip2Config(text_config=text, vision_config={**vision, "num_patches": 9})
    return transformers.Siglip2Model(config)


def flava(text: dict[str, Any]) -> Any:
    config = transformers.FlavaConfig(
        text_config={**text, "pad_token_id": 0},
        image_config=VISION,
        multimodal_config={**SHAPE, "num_hidden_layers": 1},
        projection_dim=DIM,
    )
    return transformers.FlavaModel(config)


def tipsv2(text: dict[str, Any]) -> Any:
    text = {**text, "max_position_embeddings": 40}
    vision = {**VISION, "mlp_ratio": 2}
    del vision["intermediate_size"]
    return transformers.Tipsv2Model(transformers.Tipsv2Config(text_config=text, vision_config=vision))


def clip(text: dict[str, Any]) -> Any:
    config = transformers.CLIPConfig(
        text_config={**text, "eos_token_id": 2, "pad_token_id": 1}, vision_config=VISION, projection_dim=DIM
    )
    return transformers.CLIPModel(config)


def metaclip_2(text: dict[str, Any]) -> Any:
    config = transformers.MetaClip2Config(
        text_config={**text, "eos_token_id": 2, "pad_token_id": 1, "hidden_act": "gelu"},
        vision_config={**VISION, "hidden_act": "gelu"},
        projection_dim=DIM,
    )
    return transformers.MetaClip2Model(config)


def aimv2(text: dict[str, Any]) -> Any:
    config = transformers.Aimv2Config(
        text_config={**text, "eos_token_id": 1}, vision_config=VISION, projection_dim=DIM
    )
    return transformers.Aimv2Model(config)


MODELS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "clip": clip,
    "metaclip_2": metaclip_2,
    "blip": blip,
    "blip-2": blip2,
    "align": align,
    "chinese_clip": chinese_clip,
    "altclip": altclip,
    "siglip": siglip,
    "siglip2": siglip2,
    "flava": flava,
    "tipsv2": tipsv2,
    "aimv2": aimv2,
}
TOKENIZERS: dict[str, Callable[[list[str]], Any]] = {
    "clip": end_is_highest,
    "metaclip_2": roberta,
    "altclip": roberta,
    "siglip": siglip_words,
    "siglip2": gemma,
    "tipsv2": padded_by_another,
    "aimv2": padded_by_another,
}
"""Of families that have not BERT's."""
IMAGES: dict[str, Callable[[], Any]] = {
    "clip": lambda: transformers.CLIPImageProcessor(size={"shortest_edge": 40}, crop_size=SQUARE),
    "metaclip_2": lambda: transformers.CLIPImageProcessor(size={"shortest_edge": SIZE}, crop_size=SQUARE),
    "blip": lambda: transformers.BlipImageProcessor(size=SQUARE),
    "blip-2": lambda: transformers.BlipImageProcessor(size=SQUARE),
    # As of the published one: larger than the crop, values from -1 to 1.
    "align": lambda: transformers.EfficientNetImageProcessor(
        size={"height": 40, "width": 40},
        crop_size=SQUARE,
        do_center_crop=True,
        rescale_factor=1 / 127.5,
        rescale_offset=True,
        do_normalize=False,
        include_top=False,
        resample=2,
    ),
    "chinese_clip": lambda: transformers.ChineseCLIPImageProcessor(size=SQUARE, do_center_crop=False),
    "altclip": lambda: transformers.CLIPImageProcessor(size={"shortest_edge": SIZE}, crop_size=SQUARE),
    "siglip": lambda: transformers.SiglipImageProcessor(size=SQUARE),
    "siglip2": lambda: transformers.Siglip2ImageProcessor(patch_size=PATCH, max_num_patches=4),
    "flava": lambda: transformers.FlavaImageProcessor(size=SQUARE, crop_size=SQUARE),
    "tipsv2": lambda: transformers.Tipsv2ImageProcessor(size=SQUARE),
    "aimv2": lambda: transformers.CLIPImageProcessor(size={"shortest_edge": SIZE}, crop_size=SQUARE),
}


def random_model(model_type: str, vocabulary: int, seed: int = 0) -> Any:
    """A model with every bias, norm and scale moved away from where it starts."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = MODELS[model_type]({**TEXT, "vocab_size": vocabulary})
        for parameter in model.parameters():
            if parameter.ndim == 1 or parameter is getattr(model, "query_tokens", None):
                parameter.add_(0.1 * torch.randn_like(parameter))
        for name, number in (("logit_scale", 2.5), ("temperature", 0.08), ("logit_bias", -3.0)):
            if hasattr(model, name):
                getattr(model, name).fill_(number)
    return model.eval()


def save_tiny(folder: Path, model_type: str, words: list[str] = WORDS) -> nn.Module:
    """Write a tiny model of a family with its tokenizer and settings of images; gives transformers' model."""
    tokenizer = TOKENIZERS.get(model_type, bert)(words)
    model: nn.Module = random_model(model_type, len(tokenizer))
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    IMAGES[model_type]().save_pretrained(folder)
    return model
