"""A backbone: a frozen vision-language model, images to features and prompts to features."""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.prompt_fields import LAST
from nemesis_sweep.spec.reads import PIXELS, POOLED, Reads, last_of
from nemesis_sweep.vlm.devices import find_device
from nemesis_sweep.vlm.exact_fp32 import without_tf32
from nemesis_sweep.vlm.image_features import patch_count, patch_features, pooled_features
from nemesis_sweep.vlm.image_states import image_blocks, states_shape, token_states
from nemesis_sweep.vlm.kept_layouts import KeptLayouts
from nemesis_sweep.vlm.layout import Layout, check_class_names, refuse_no_texts, unknown_tokens
from nemesis_sweep.vlm.preprocess import Preprocess
from nemesis_sweep.vlm.text import encode_text
from nemesis_sweep.vlm.tower import TextTower

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, eq=False)
class Backbone:
    """A frozen vision-language model.

    visual: the image tower; text: the parts of the text tower; logit_scale: the factor on cosines, already
    exponentiated; logit_bias: SigLIP's, or None; scale_stored: whether the weights have that factor;
    known_tokens: ids whose embeddings are there, None if all;
    made_of: fingerprint of the weights that this is a copy of in another precision, '' if it is no copy;
    layouts: those made so far, which copies share; queries: Q, where an image has so many features, of which
    the nearest to a text counts (BLIP-2), 0 where it has one.
    """

    name: str
    text: TextTower
    visual: nn.Module
    tokenizer: Any
    preprocess: Preprocess
    logit_scale: float
    logit_bias: float | None = None
    scale_stored: bool = True
    known_tokens: frozenset[int] | None = None
    made_of: str = ""
    layouts: KeptLayouts = field(default_factory=KeptLayouts, repr=False)
    queries: int = 0

    def __repr__(self) -> str:
        """One line, without the towers."""
        return f"Backbone({self.name}, {self.dtype_name}, on {self.text.device})"

    @property
    def embed_dim(self) -> int:
        return self.text.embed_dim

    @property
    def text_width(self) -> int:
        return self.text.width

    @property
    def dtype_name(self) -> str:
        """Number format of the image tower, such as `float32`."""
        return str(next(self.visual.parameters()).dtype).removeprefix("torch.")

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of both towers, structure and weights: what cached features and prompts depend on.

        A copy in another precision or on another device keeps the fingerprint of what it was made of.
        """
        if self.made_of:
            return self.made_of
        digest = hashlib.sha256(f"{self.visual}{self.text.structure}".encode())
        tensors = {f"visual.{name}": tensor for name, tensor in self.visual.state_dict().items()}
        tensors |= {f"text.{name}": tensor for name, tensor in self.text.state().items()}
        for name, tensor in sorted(tensors.items()):
            digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
            data = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
            digest.update(memoryview(data.numpy()))
        return digest.hexdigest()

    def layout(self, names: Sequence[str], n_ctx: int, position: str = "end") -> Layout:
        """Lay out prompts for class names with this model's tokenizer, once; see `make_layout`.

        Warns about names made of tokens that a model with a compact vocabulary does not have.
        """
        made = self.layouts.prompts(self.tokenizer, names, n_ctx, position)
        self._warn_unknown(made)
        return made

    def template_layout(self, names: Sequence[str], template: str) -> Layout:
        """Lay out a hand-written prompt for class names, `{}` for the name, once; with those warnings."""
        refuse_no_texts("class names", names)
        check_class_names(names)
        texts = [template.replace("{}", name.replace("_", " ")) for name in names]
        made = self.layouts.texts(self.tokenizer, texts)
        self._warn_unknown(made)
        return made

    def encode_texts(self, texts: Sequence[str], *, normalised: bool = True) -> Tensor:
        """Features (N, E) of ordinary texts, for zero-shot classifiers. No gradients.

        normalised: L2-normalised; False for the lengths that the tower gives.
        """
        made = self.layouts.texts(self.tokenizer, texts)
        self._warn_unknown(made)
        # Features are fp32 at least, whatever the tower computes in.
        dtype = torch.promote_types(torch.float32, self.text.dtype)
        nothing = torch.zeros(1, 0, self.text.width, dtype=dtype, device=self.text.device)
        with torch.no_grad():
            return encode_text(self.text, made, nothing, normalised=normalised)[0]

    @torch.no_grad()
    def encode_image(self, pixels: Tensor, reads: Reads = POOLED) -> Tensor:
        """L2-normalised features (B, E), fp32, of preprocessed pixels (B, 3, H, W). No gradients, no TF32.

        Of a backbone with queries (B, Q, E).
        reads: `patches` gives those of the parts of each image, (B, Q, E); `states-K` gives its tokens before
        the last K blocks, not normalised, (B, Q, W). Raises UserError for towers that have none.
        """
        parameter = next(self.visual.parameters())
        pixels = pixels.to(device=parameter.device, dtype=parameter.dtype)
        last = last_of(reads)
        encode = pooled_features if reads == POOLED else patch_features
        with without_tf32():
            if last is not None:
                self._refuse_no_blocks(last)
                return token_states(self.visual, pixels, last).float()
            return F.normalize(encode(self.visual, pixels).float(), dim=-1)

    def image_shape(self, reads: Reads = POOLED) -> tuple[int, ...]:
        """Shape of one image's features: (E,), or (Q, E) of its queries or its parts, (Q, W) of its tokens,
        or (H, H, 3) of its pixels.

        Raises UserError where there are none, or no blocks that take the latter two.
        """
        if reads == POOLED:
            return (self.queries, self.embed_dim) if self.queries else (self.embed_dim,)
        if reads == PIXELS or last_of(reads) is not None:
            self._refuse_no_blocks(last_of(reads))
            size = self.preprocess.image_size
            return (size, size, 3) if reads == PIXELS else states_shape(self.visual)
        count = patch_count(self.visual)
        if not count:
            message = "this image tower has no features of the parts of an image"
            allowed = "a backbone with open_clip's own ResNet or ViT, or another prompt"
            raise UserError(Problem(message, key="backbone", found=self.name, allowed=allowed))
        return (count, self.embed_dim)

    def to(self, *, precision: str = "fp32", device: torch.device | str | None = None) -> Backbone:
        """The same backbone with both towers in a precision (fp32, bf16, fp16), on another device if given.

        Itself if nothing would change. Raises UserError for an unknown precision, and for a device that is
        not there.
        """
        dtype = precision_dtype(precision)
        device = self.text.device if device is None else find_device(device)
        text = self.text.to(dtype).to(device)
        if text is self.text:
            return self
        visual = copy.deepcopy(self.visual).to(device=device, dtype=dtype)
        # Weights that were rounded once do not come back: a copy of a copy in yet another dtype is its own.
        rounded = bool(self.made_of) and dtype != self.text.dtype
        return replace(self, text=text, visual=visual, made_of="" if rounded else self.fingerprint)

    @property
    def chosen_scale(self) -> float | None:
        """The factor on cosines where it is no part of the weights, to be kept with what is learnt."""
        return None if self.scale_stored else self.logit_scale

    def scaled(self, logit_scale: float | None) -> Backbone:
        """The same backbone with another factor on cosines, where its weights have none; None leaves it."""
        if logit_scale is None or self.scale_stored or logit_scale == self.logit_scale:
            return self
        return replace(self, logit_scale=float(logit_scale))

    def refuse_queries(self, what: str) -> None:
        """Raise UserError for a backbone whose images have several features, which `what` cannot use."""
        if self.queries:
            found = f"{self.name}, with {self.queries} features of an image"
            message = f"{what} needs one feature of an image"
            raise UserError(Problem(message, key="backbone", found=found, allowed="another backbone"))

    def _refuse_no_blocks(self, last: int | None) -> None:
        """Raise UserError for an image tower without blocks that vectors can be put before, or so many."""
        there = image_blocks(self.visual)
        if not there:
            message = "this image tower has no blocks that vectors can be put before"
            allowed = "a backbone with open_clip's own ViT, such as ViT-B-16, or another prompt"
            raise UserError(Problem(message, key="backbone", found=self.name, allowed=allowed))
        if last is not None and last > there:
            message = "more blocks than the image tower has"
            raise UserError(Problem(message, key=LAST, found=str(last), allowed=f"at most {there}"))

    def _warn_unknown(self, made: Layout) -> None:
        if self.known_tokens is None:
            return
        shares = unknown_tokens(made, self.known_tokens)
        if shares:
            shown = ", ".join(f"{name!r} ({share:.0%})" for name, share in list(shares.items())[:8])
            texts, verb = counted(len(made.names), "text"), "uses" if len(shares) == 1 else "use"
            warnings.warn(
                f"{self.name} ships part of the vocabulary; {len(shares)} of {texts} {verb} tokens it does "
                f"not have, which it reads as nothing: {shown}",
                stacklevel=3,
            )


def precision_dtype(precision: str) -> torch.dtype:
    """The dtype of a precision's name. Raises UserError for an unknown one."""
    if precision not in DTYPES:
        raise UserError(Problem("unknown precision", found=repr(precision), allowed=", ".join(DTYPES)))
    return DTYPES[precision]
