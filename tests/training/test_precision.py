"""Towers in another precision: the prompt and its gradient stay fp32, and nothing is lost that matters."""

import pytest
import torch

from nemesis_sweep.data.store import FeatureStore
from nemesis_sweep.prompts.context import random_context
from nemesis_sweep.prompts.gradient_scale import scaled_gradients
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.api import fit
from nemesis_sweep.training.generators import Generators
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.text import encode_text
from tests.training.test_trainer import NAMES, batches

LOW = {"bf16": torch.bfloat16, "fp16": torch.float16}


@pytest.mark.parametrize("precision", LOW)
def test_the_prompt_and_its_gradient_stay_fp32(tiny_backbone, precision):
    method = Method(n_ctx=4, epochs=5, omega=2.0, beta=0.5, precision=precision)
    trainer = Trainer(tiny_backbone, NAMES, method, seeds=(1, 2))
    exact = Trainer(tiny_backbone, NAMES, method.model_copy(update={"precision": "fp32"}), seeds=(1, 2))
    assert trainer.learner.backbone.text.dtype == LOW[precision]
    assert tiny_backbone.text.dtype == torch.float32
    ((images, labels),) = batches(2, steps=1)
    positions = torch.tensor([[0], [3]])
    step, expected = (t.step(images, labels, 1, positions) for t in (trainer, exact))
    assert trainer.learner.context.dtype == trainer.learner.context.grad.dtype == torch.float32
    assert step.loss.dtype == torch.float32 and step.loss.isfinite().all()
    torch.testing.assert_close(step.loss, expected.loss, rtol=0.02, atol=0.02)
    found, wanted = trainer.learner.context.grad, exact.learner.context.grad
    difference = (found - wanted).norm() / wanted.norm()
    assert 1e-6 < difference < 0.06


@pytest.mark.parametrize("precision", LOW)
def test_updates_smaller_than_the_towers_numbers_are_kept(tiny_backbone, precision):
    """An fp16 or bf16 prompt would not move at all: its neighbours are 1e-5 or more away."""
    method = Method(n_ctx=4, epochs=5, lr=1e-6, weight_decay=0.0, precision=precision)
    trainer = Trainer(tiny_backbone, NAMES, method, seeds=(1,))
    before = trainer.learner.context.detach().clone()
    ((images, labels),) = batches(1, steps=1)
    trainer.step(images, labels, 1)
    moved = trainer.learner.context.detach() != before
    assert moved.float().mean() > 0.5


def test_small_gradients_survive_fp16(tiny_backbone):
    """Gradients of a millionth of what fp16 holds arrive as they would in fp32, replicate by replicate."""
    layout = tiny_backbone.layout(NAMES, 4)
    half = tiny_backbone.text.to(torch.float16)
    start = random_context((4, 64), Generators((1, 2))["init"])
    weights = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(0))
    sizes = torch.tensor([1e-10, 1.0])

    def gradient(encode):
        context = start.clone().requires_grad_()
        (sizes[:, None, None] * weights * encode(context)).sum().backward()
        return context.grad

    exact = gradient(lambda context: encode_text(tiny_backbone.text, layout, context))
    plain = gradient(lambda context: encode_text(half, layout, context))
    scaled = gradient(lambda c: scaled_gradients(lambda inner: encode_text(half, layout, inner), c))
    for r in (0, 1):
        assert (scaled[r] - exact[r]).norm() < 0.02 * exact[r].norm()
    assert plain[0].abs().max() == 0


def test_a_gradient_that_is_not_finite_stays_with_its_replicate():
    values = torch.ones(3, 2, requires_grad=True)
    result = scaled_gradients(lambda inner: inner * 2, values)
    result.backward(torch.tensor([[1.0, 2.0], [float("nan"), 1.0], [0.0, 0.0]]))
    assert values.grad[0].tolist() == [2, 4]
    assert values.grad[1].isnan().any()
    assert values.grad[2].tolist() == [0, 0]


def test_image_features_of_another_precision_are_other_features(tiny_backbone, colours, tmp_path):
    low = tiny_backbone.to(precision="bf16")
    assert low.fingerprint == tiny_backbone.fingerprint
    stores = [FeatureStore(backbone, 1, tmp_path) for backbone in (tiny_backbone, low)]
    exact, rounded = (store.features(colours.val[:3]) for store in stores)
    assert stores[0].folder != stores[1].folder
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    torch.testing.assert_close(exact, rounded, atol=0.03, rtol=0)


def test_weights_that_were_rounded_do_not_pass_for_the_whole_ones(tiny_backbone):
    low = tiny_backbone.to(precision="bf16")
    again = low.to(precision="fp32")
    assert again.dtype_name == "float32"
    assert again.fingerprint not in (tiny_backbone.fingerprint, low.to(precision="bf16").fingerprint)
    assert tiny_backbone.to(precision="fp32", device="cpu") is tiny_backbone


@pytest.mark.slow
def test_the_embedded_model_learns_as_well_in_bf16():
    backbone = load_backbone("icon-clip")
    method = {"n_ctx": 4, "epochs": 8, "views": 1, "lr": 0.01}
    exact, low = (
        fit(backbone, "digits", {**method, "precision": precision}, shots=4, seeds=(1, 2))
        for precision in ("fp32", "bf16")
    )
    assert low.failed == []
    assert low.context.dtype == torch.float32
    assert low.mean("test/accuracy") == pytest.approx(exact.mean("test/accuracy"), abs=3)
    assert not torch.equal(low.context, exact.context)
