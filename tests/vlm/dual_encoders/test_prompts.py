"""Every kind of prompt that needs no more than a text tower learns on one of transformers'."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.training.trainer import Trainer
from tests.vlm.dual_encoders.conftest import Tiny
from tests.vlm.dual_encoders.tiny import NAMES

INSIDE = {"plot", "deep_text", "prefix", "vpt", "maple", "promptsrc", "tcp"}
"""Kinds that read or change what is inside a tower."""


LR = {"ptuning": 0.002}
"""Of kinds whose network makes larger steps of the same rate."""
BY_TEXT = sorted(set(PROMPTS) - INSIDE)
CASES = [
    (kind, model_type)
    for kind in BY_TEXT
    for model_type in ("blip", "flava", "blip-2")
    if (kind, model_type) != ("cocoop", "blip-2")
]


@pytest.mark.parametrize(("kind", "model_type"), CASES)
def test_a_prompt_learns_by_vectors_handed_in(
    kind: str, model_type: str, tiny: Callable[[str], Tiny]
) -> None:
    backbone = tiny(model_type).backbone
    generator = torch.Generator().manual_seed(1)
    images = F.normalize(torch.randn(2, 9, *backbone.image_shape(), generator=generator), dim=-1)
    labels = torch.arange(3).repeat(3).expand(2, -1)
    method = Method(
        prompt=kind,
        n_ctx=3,
        omega=0.1,
        beta=0.5 if PROMPTS[kind].variants else 1.0,
        epochs=20,
        lr=LR.get(kind, 0.1),
    )
    trainer = Trainer(backbone, NAMES, method, seeds=(1, 2))
    losses = [trainer.step(images, labels, epoch).cross_entropy for epoch in range(12)]
    assert float((losses[0] - losses[-1]).mean()) > 0
    assert not trainer.failed


@pytest.mark.parametrize("kind", sorted(INSIDE))
def test_a_prompt_that_reaches_inside_is_refused_in_one_line(kind: str, tiny: Callable[[str], Tiny]) -> None:
    backbone = tiny("blip").backbone
    method = Method(prompt=kind, n_ctx=3, epochs=20)
    with pytest.raises(UserError, match=r"this (image|text) tower") as raised:
        Trainer(backbone, NAMES, method, seeds=(1, 2)).learner.classifier()
        backbone.image_shape(method.reads)
    assert len(str(raised.value).splitlines()) == 1
