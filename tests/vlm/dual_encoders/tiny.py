"""A tiny random model of every family of transformers' dual encoders, saved as its own classes save it."""

from __future__ import annotations

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


def bert(words: list[str]) -> Any:
    """BERT's tokenizer with whole words."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    return transformers.BertTokenizer(vocab={word: number for number, word in enumerate(vocabulary)})


def blip(vocabulary: int) -> Any:
    shared = {"projection_dim": DIM}
    text = {**TEXT, **shared, "vocab_size": vocabulary, "encoder_hidden_size": WIDTH, "pad_token_id": 0}
    config = transformers.BlipConfig(
        text_config={**text, "bos_token_id": 2, "sep_token_id": 3},
        vision_config={**VISION, **shared},
        image_text_hidden_size=DIM,
        **shared,
    )
    return transformers.BlipForImageTextRetrieval(config)


TOKENIZERS: dict[str, Callable[[list[str]], Any]] = {"blip": bert}
MODELS: dict[str, Callable[[int], Any]] = {"blip": blip}
IMAGES: dict[str, Callable[[], Any]] = {
    "blip": lambda: transformers.BlipImageProcessor(size={"height": SIZE, "width": SIZE}),
}


def random_model(model_type: str, vocabulary: int, seed: int = 0) -> Any:
    """A model with every bias, norm and scale moved away from where it starts."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = MODELS[model_type](vocabulary)
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def save_tiny(folder: Path, model_type: str, words: list[str] = WORDS) -> nn.Module:
    """Write a tiny model of a family with its tokenizer and settings of images; gives transformers' model."""
    tokenizer = TOKENIZERS[model_type](words)
    model: nn.Module = random_model(model_type, len(tokenizer))
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    IMAGES[model_type]().save_pretrained(folder)
    return model
