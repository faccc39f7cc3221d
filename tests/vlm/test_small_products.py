"""Products of very few numbers each equal torch's own, and from some size on are torch's own."""

import pytest
import torch

from nemesis_sweep.vlm import small_products
from nemesis_sweep.vlm.small_products import LEAST, add_product, product

SIZES = [(3, 3, 32), (1, 3, 32), (3, 1, 64), (4, 4, 25), (4, 4, 24), (5, 7, 64), (2, 0, 8)]


def drawn(a, b, d, dtype=torch.float64):
    generator = torch.Generator().manual_seed(a + b + d)
    left, right, out = (torch.randn(11, *size, generator=generator) for size in ((b, a), (b, d), (a, d)))
    # As attention has it: the left seen from its other side.
    return left.to(dtype).transpose(1, 2), right.to(dtype), out.to(dtype)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_they_equal_torchs(size, dtype, tolerance):
    left, right, out = drawn(*size, dtype)
    expected, added = torch.bmm(left, right), torch.baddbmm(out, left, right)
    add_product(out, left, right)
    torch.testing.assert_close(out, added, rtol=tolerance, atol=tolerance)
    product(left, right, out)
    torch.testing.assert_close(out, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("size", [(4, 4, 25), (4, 4, 24)])
def test_torch_has_those_that_it_is_fast_at(size, monkeypatch):
    asked = []
    bmm = torch.bmm
    monkeypatch.setattr(
        small_products.torch, "bmm", lambda *given, **more: asked.append(0) or bmm(*given, **more)
    )
    left, right, out = drawn(*size)
    product(left, right, out)
    a, b, d = size
    assert bool(asked) == (a * b * d >= LEAST)


def test_sums_in_half_precision_are_rounded_once():
    left, right, out = drawn(3, 3, 32, torch.bfloat16)
    product(left, right, out)
    assert torch.equal(out, torch.bmm(left, right))
