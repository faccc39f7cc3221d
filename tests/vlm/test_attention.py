"""Packed attention against softmax attention written out with one mask over all rows of all classes."""

import pytest
import torch
from torch import Tensor

from nemesis_sweep.vlm.attention import packed_attention

HEADS, WIDTH, REPLICATES = 2, 8, 2
CHUNKS, SIZE, SHARED = 3, 4, 3


def masks(fixed: int) -> tuple[Tensor, Tensor]:
    """Two classes of two rows in each chunk."""
    classes = torch.tensor([0, 0, 1, 1])
    seen = (classes[:, None] == classes[None]) & torch.ones(SIZE, SIZE).tril().bool()
    tail = torch.zeros(SIZE, SIZE).masked_fill(~seen, float("-inf")).repeat(CHUNKS, 1, 1)
    shared = torch.full((SHARED, fixed + SHARED), float("-inf")).triu(fixed + 1)
    return shared.double(), tail.double()


def by_hand(q: Tensor, kv: Tensor, constant: Tensor, leading: Tensor | None = None) -> Tensor:
    fixed = constant.shape[2]
    shared_mask, tail_mask = masks(fixed)
    rows = SHARED + CHUNKS * SIZE
    mask = torch.full((rows, fixed + rows), float("-inf")).double()
    mask[:SHARED, : fixed + SHARED] = shared_mask
    mask[SHARED:, : fixed + SHARED] = 0
    for chunk in range(CHUNKS):
        start = SHARED + chunk * SIZE
        mask[start : start + SIZE, fixed + start : fixed + start + SIZE] = tail_mask[chunk]

    def heads(x: Tensor) -> Tensor:
        return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)

    k, v = (heads(half) for half in kv.chunk(2, dim=-1))
    k, v = (
        torch.cat([part.expand(REPLICATES, -1, -1, -1), own], 2)
        for part, own in zip(constant, (k, v), strict=True)
    )
    if leading is not None:
        k, v = (torch.cat([heads(leading[:, i]), own], 2) for i, own in enumerate((k, v)))
        mask = torch.cat([torch.zeros(rows, leading.shape[2]).double(), mask], dim=1)
    scores = heads(q) @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5 + mask
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)


@pytest.mark.parametrize("fixed", [0, 1, 2])
def test_values_and_gradients(fixed: int) -> None:
    torch.manual_seed(0)
    rows = SHARED + CHUNKS * SIZE
    q = torch.randn(REPLICATES, rows, WIDTH, dtype=torch.float64, requires_grad=True)
    kv = torch.randn(REPLICATES, rows, 2 * WIDTH, dtype=torch.float64, requires_grad=True)
    constant = torch.randn(2, HEADS, fixed, WIDTH // HEADS, dtype=torch.float64)
    out = packed_attention(q, kv, constant, masks(fixed), HEADS)
    expected = by_hand(q, kv, constant)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)
    weights = torch.randn_like(out)
    ours = torch.autograd.grad((out * weights).sum(), (q, kv))
    theirs = torch.autograd.grad((expected * weights).sum(), (q, kv))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("fixed", [0, 2])
@pytest.mark.parametrize("length", [1, 3])
def test_values_and_gradients_with_leading_rows(fixed: int, length: int) -> None:
    """Every row sees the keys and values of its replicate, which have gradients."""
    torch.manual_seed(0)
    rows = SHARED + CHUNKS * SIZE
    q = torch.randn(REPLICATES, rows, WIDTH, dtype=torch.float64, requires_grad=True)
    kv = torch.randn(REPLICATES, rows, 2 * WIDTH, dtype=torch.float64, requires_grad=True)
    leading = torch.randn(REPLICATES, 2, length, WIDTH, dtype=torch.float64, requires_grad=True)
    constant = torch.randn(2, HEADS, fixed, WIDTH // HEADS, dtype=torch.float64)
    out = packed_attention(q, kv, constant, masks(fixed), HEADS, leading)
    expected = by_hand(q, kv, constant, leading)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)
    weights = torch.randn_like(out)
    ours = torch.autograd.grad((out * weights).sum(), (q, kv, leading))
    theirs = torch.autograd.grad((expected * weights).sum(), (q, kv, leading))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_numeric_gradient_with_tail_queries_only() -> None:
    torch.manual_seed(0)
    shared_mask, tail_mask = masks(1)
    last = tail_mask[:, [1, 3]]
    q = torch.randn(REPLICATES, CHUNKS * 2, WIDTH, dtype=torch.float64, requires_grad=True)
    kv = torch.randn(REPLICATES, SHARED + CHUNKS * SIZE, 2 * WIDTH, dtype=torch.float64, requires_grad=True)
    constant = torch.randn(2, HEADS, 1, WIDTH // HEADS, dtype=torch.float64)

    def attend(q: Tensor, kv: Tensor, leading: Tensor | None = None) -> Tensor:
        return packed_attention(q, kv, constant, (shared_mask[:0], last), HEADS, leading)

    assert torch.autograd.gradcheck(attend, (q, kv))
    leading = torch.randn(REPLICATES, 2, 2, WIDTH, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(attend, (q, kv, leading))
