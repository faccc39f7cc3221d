"""All implementations of a step do the same: only then do their times compare."""

from __future__ import annotations

import pytest
import torch

from nemesis_sweep.bench.timing import make_implementation
from nemesis_sweep.bench.workload import Setting, make_workload
from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip
from nemesis_sweep.vlm.text import encode_text

CASES = {
    "CoOp": Setting("tiny", classes=7, n_ctx=4, batch=6, pan=0),
    "PUN": Setting("tiny", classes=7, n_ctx=4, batch=6, pan=0, pun=True),
    "PAN": Setting("tiny", classes=7, n_ctx=4, batch=6, pan=3),
    "replicates": Setting("tiny", classes=7, n_ctx=4, batch=6, pan=2, replicates=3),
    "uneven names": Setting("tiny", classes=7, n_ctx=4, batch=6, pan=2, names="imagenet-like"),
}


@pytest.mark.parametrize("setting", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("name", ["public", "plain"])
def test_loss_gradient_selection_and_context_equal_ours(name, setting, tiny_backbone):
    workload = make_workload(setting, tiny_backbone, encoded=True)
    theirs, ours = make_implementation(name, workload), make_implementation("ours", workload)
    for step in range(3):
        positions = workload.positions(step)
        a, b = theirs.step(positions), ours.step(positions)
        torch.testing.assert_close(a.loss, b.loss, rtol=1e-5, atol=1e-6)
        assert (a.gradient - b.gradient).norm() <= 1e-4 * b.gradient.norm()
        assert torch.equal(a.selected, b.selected)
    assert (theirs.context - ours.context).norm() <= 1e-5 * ours.context.norm()
    assert not torch.equal(ours.context, workload.context)


@pytest.mark.parametrize("pan", [0, 2])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_plain_way_of_every_kind_equals_ours(prompt, pan, tiny_backbone):
    setting = Setting("tiny", classes=5, n_ctx=4, batch=3, pan=pan, replicates=2, prompt=prompt)
    workload = make_workload(setting, tiny_backbone, encoded=True)
    theirs, ours = make_implementation("plain", workload), make_implementation("ours", workload)
    for step in range(2):
        a, b = theirs.step(workload.positions(step)), ours.step(workload.positions(step))
        torch.testing.assert_close(a.loss, b.loss, rtol=1e-5, atol=1e-5)
        assert (a.gradient - b.gradient).norm() <= 1e-4 * b.gradient.norm()
        assert torch.equal(a.selected, b.selected)


@pytest.mark.parametrize("name", ["public", "plain", "ours"])
def test_a_position_is_selected_where_its_corruption_helps(name, tiny_backbone):
    """On a batch labelled by what the prompts answer once vector 2 is scaled down."""
    workload = make_workload(
        Setting("tiny", classes=40, n_ctx=4, batch=64, pan=4), tiny_backbone, encoded=True
    )
    implementation = make_implementation(name, workload)
    with torch.no_grad():
        corrupted = implementation.context.clone()
        corrupted[0, 2] *= workload.method.corruption
        answers = [
            (workload.images[0] @ encode_text(tiny_backbone.text, workload.layout, context)[0].T).argmax(
                dim=1
            )
            for context in (implementation.context, corrupted)
        ]
    assert not torch.equal(*answers)
    workload.labels[0] = answers[1]
    assert implementation.step(torch.arange(4)[None]).selected[0, 2]


def test_public_texts_are_those_of_every_token(tiny_backbone):
    workload = make_workload(Setting("tiny", classes=7, n_ctx=4, batch=2), tiny_backbone)
    texts = make_implementation("public", workload).texts(workload.context[0])
    expected = encode_text(tiny_backbone.text, workload.layout, workload.context, path="plain")[0]
    torch.testing.assert_close(texts, expected)


def test_the_public_way_works_where_prompts_cannot_share(tokenizer_of_words):
    """A text tower that looks both ways, with a linear projection and a bias on the logits."""
    from open_clip.model import CustomTextCLIP

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CustomTextCLIP(
            embed_dim=32,
            vision_cfg={"image_size": 32, "patch_size": 16, "width": 64, "layers": 1, "head_width": 32},
            text_cfg={
                "width": 64,
                "heads": 2,
                "layers": 2,
                "context_length": 20,
                "no_causal_mask": True,
                "pool_type": "last",
                "proj_bias": True,
            },
            init_logit_bias=-10.0,
        )
    backbone = backbone_from_open_clip(model, tokenizer_of_words, name="both ways")
    assert not backbone.text.can_share
    workload = make_workload(Setting("both ways", classes=5, n_ctx=4, batch=6, pan=2), backbone, encoded=True)
    positions = workload.positions(0)
    outcomes = [make_implementation(name, workload).step(positions) for name in ("public", "plain", "ours")]
    for outcome in outcomes[:2]:
        torch.testing.assert_close(outcome.loss, outcomes[2].loss, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(outcome.gradient, outcomes[2].gradient, rtol=1e-4, atol=1e-6)


def test_baselines_are_not_slowed_down_by_gradients_nobody_needs(tiny_backbone):
    assert not any(parameter.requires_grad for parameter in tiny_backbone.visual.parameters())
    workload = make_workload(CASES["CoOp"], tiny_backbone, encoded=True)
    make_implementation("public", workload).step(workload.positions(0))
    tensors = [*tiny_backbone.visual.parameters(), *tiny_backbone.text.transformer.parameters()]
    assert all(tensor.grad is None for tensor in tensors)
