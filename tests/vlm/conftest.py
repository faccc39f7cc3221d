"""Random text towers, one with ViT-B/16's width, a few layers deep, every bias and norm moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor, nn

VISION = {"image_size": 32, "patch_size": 16, "width": 64, "layers": 1, "head_width": 32}

# One token, several, many, an underscore, and a full stop that merges with the prompt's own.
UNEVEN = [
    "cat",
    "golden_retriever",
    "an extremely long winding name of a class that nobody would ever type twice",
    "St. Bernard.",
    "bus",
]


def make_model(kind: type[nn.Module] = CLIP, *, embed_dim: int = 48, seed: int = 0, **config: Any) -> Any:
    """An open_clip model of its own class; every bias, norm and scale is moved away from 0 and 1.

    Keywords other than the model's own go to the text tower's configuration.
    """
    own = {key: config.pop(key) for key in ("quick_gelu", "init_logit_bias") if key in config}
    text = {"width": 128, "heads": 2, "layers": 2, "vocab_size": 49408, "context_length": 77} | config
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = kind(embed_dim=embed_dim, vision_cfg=VISION, text_cfg=text, **own)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.ndim == 1:
                    spread = 0.3 if "gamma" in name else 0.1
                    parameter.add_(spread * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(scope="session")
def tokenizer() -> SimpleTokenizer:
    return SimpleTokenizer()


@pytest.fixture(scope="session")
def models() -> dict[str, Any]:
    """float64 models whose prompts can share states, by what is special about them."""
    return {
        "clip": make_model().double(),
        "quickgelu": make_model(quick_gelu=True, ls_init_value=0.5, width=512, heads=8).double(),
        "custom": make_model(CustomTextCLIP, proj_bias=True, ls_init_value=0.3).double(),
        "one_layer": make_model(layers=1).double(),
        "no_projection": make_model(CustomTextCLIP, embed_dim=128, heads=4, proj_type="none").double(),
    }


class WordTokenizer:
    """Words to ids, called like open_clip's tokenizers; with or without a start token, any padding."""

    def __init__(self, length: int, *, start: int | None, end: int, pad: int) -> None:
        self.context_length = length
        self.eot_token_id = end
        self._start, self._pad = start, pad
        self._ids: dict[str, int] = {}

    def __call__(self, texts: list[str], context_length: int | None = None) -> Tensor:
        length = context_length or self.context_length
        rows = torch.full((len(texts), length), self._pad)
        for row, text in zip(rows, texts, strict=True):
            words = text.replace(".", " . ").split()
            ids = [self._ids.setdefault(word, 10 + len(self._ids)) for word in words]
            ids = ([] if self._start is None else [self._start]) + ids
            ids = [*ids[: length - 1], self.eot_token_id]
            row[: len(ids)] = torch.tensor(ids)
        return rows


def random_context(shape: tuple[int, ...], seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (0.1 * torch.randn(shape, generator=generator, dtype=torch.float64)).to(dtype).requires_grad_()


def value_and_gradient(encode: Callable[[Tensor], Tensor], context: Tensor) -> tuple[Tensor, Tensor]:
    """Features, and the gradient of a fixed random projection of them into the context."""
    context = context.detach().clone().requires_grad_()
    features = encode(context)
    generator = torch.Generator().manual_seed(5)
    weights = torch.randn(features.shape, generator=generator, dtype=torch.float64).to(features.dtype)
    (gradient,) = torch.autograd.grad((features * weights).sum(), context)
    return features.detach(), gradient


def difference(a: Tensor, b: Tensor) -> float:
    """Norm of the difference relative to that of b."""
    return float((a - b).norm() / b.norm())
