"""Attention of packed rows: shared rows among themselves, tail rows over the shared ones and their own class.

The shared rows' keys and values are never copied per class: all tail queries of a head meet them in one
matrix product, and its scores share one softmax with the scores inside the class. The backward pass is
written by hand to save only what it needs and to write each gradient once.

Shapes below: R replicates, h heads, d head width, P rows before all tails (M leading ones, which are learnt
keys and values, P0 constant, m shared), n chunks of S tail rows with Q queries each, blocks = R * h * n.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nemesis_sweep.vlm.small_products import add_product, product


def packed_attention(
    q: Tensor,
    kv: Tensor,
    constant: Tensor,
    masks: tuple[Tensor, Tensor],
    heads: int,
    leading: Tensor | None = None,
) -> Tensor:
    """Attend from query rows (R, a + n * Q, D) to rows (R, m + n * S, 2D) of keys and values side by side.

    constant: (2, h, P0, d) keys and values of the constant beginning, which every row sees; no gradient.
    masks: additive (a, P0 + m) of the shared rows that ask (all m, or none where their outputs are not
    needed), and (n, Q, S) within chunks. leading: (R, 2, M, D) keys and values that every row of a replicate
    sees, with gradients; or None. Returns (R, a + n * Q, D).
    """
    out: Tensor = _PackedAttention.apply(q, kv, leading, constant, *masks, heads)
    return out


class _PackedAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        kv: Tensor,
        leading: Tensor | None,
        constant: Tensor,
        shared_mask: Tensor,
        tail_mask: Tensor,
        heads: int,
    ) -> Tensor:
        replicates, _, width = q.shape
        asked, shared = shared_mask.shape[0], shared_mask.shape[1] - constant.shape[2]
        pairs = kv.unflatten(2, (2, heads, -1)).permute(2, 0, 3, 1, 4)  # (2, R, h, m + n * S, d)
        before = [constant[:, None].expand(-1, replicates, -1, -1, -1), pairs[:, :, :, :shared]]
        if leading is not None:
            before.insert(0, leading.unflatten(3, (heads, -1)).permute(1, 0, 3, 2, 4))
        prefix = torch.cat(before, dim=3).flatten(1, 2)
        tail = pairs[:, :, :, shared:].contiguous().flatten(1, 2)
        # Always a copy, so that it can be scaled in place.
        by_head = _by_head(q, heads).clone(memory_format=torch.contiguous_format).flatten(0, 1)
        by_head.mul_((width // heads) ** -0.5)
        q_shared, q_tail = by_head[:, :asked], by_head[:, asked:].contiguous()
        out = by_head.new_empty(replicates * heads, q.shape[1], width // heads)
        seen, p_prefix, p_tail = _attend_tails(q_tail, prefix, tail, tail_mask)
        out[:, asked:] = seen
        saved = [q_tail, prefix, tail, p_prefix, p_tail]
        learnt = 0 if leading is None else leading.shape[2]
        if asked:
            scores = torch.bmm(q_shared, prefix[0].transpose(1, 2))
            scores[:, :, learnt:].add_(shared_mask)
            p_shared = scores.softmax(-1)
            out[:, :asked] = torch.bmm(p_shared, prefix[1])
            saved += [q_shared, p_shared]
        ctx.save_for_backward(*saved)
        ctx.sizes = (heads, asked, shared, learnt)
        return out.unflatten(0, (replicates, heads)).transpose(1, 2).flatten(2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q_tail, prefix, tail, p_prefix, p_tail, *of_shared = ctx.saved_tensors
        heads, asked, shared, learnt = ctx.sizes
        replicates, _, width = grad.shape
        by_head = _by_head(grad, heads).flatten(0, 1)
        g_tail = by_head[:, asked:].contiguous()
        gq = torch.empty(by_head.shape, dtype=grad.dtype, device=grad.device)
        gq_tail, g_prefix, g_own = _tail_gradients(g_tail, q_tail, prefix, tail, p_prefix, p_tail)
        gq[:, asked:] = gq_tail
        if asked:
            q_shared, p_shared = of_shared
            g_shared = by_head[:, :asked]
            ds = torch.bmm(g_shared, prefix[1].transpose(1, 2)).mul_(p_shared)
            ds.addcmul_(p_shared, ds.sum(-1, keepdim=True), value=-1)
            gq[:, :asked] = torch.bmm(ds, prefix[0])
            g_prefix[0].baddbmm_(ds.transpose(1, 2), q_shared)
            g_prefix[1].baddbmm_(p_shared.transpose(1, 2), g_shared)
        gq.mul_((width // heads) ** -0.5)
        rows = shared + tail.shape[2]
        g_kv = grad.new_empty(replicates, rows, 2, heads, width // heads)
        by_pair = g_kv.permute(2, 0, 3, 1, 4)
        by_replicate = g_prefix.unflatten(1, (-1, heads))  # (2, R, h, P, d)
        by_pair[:, :, :, :shared] = by_replicate[:, :, :, prefix.shape[2] - shared :]
        by_pair[:, :, :, shared:] = g_own.unflatten(1, (-1, heads))
        g_leading = by_replicate[:, :, :, :learnt].permute(1, 0, 3, 2, 4).flatten(3) if learnt else None
        grad_q = gq.unflatten(0, (replicates, heads)).transpose(1, 2).flatten(2)
        return grad_q, g_kv.flatten(2), g_leading, None, None, None, None


def _by_head(rows: Tensor, heads: int) -> Tensor:
    """(R, rows, D) seen as (R, h, rows, d)."""
    return rows.unflatten(2, (heads, -1)).transpose(1, 2)


def _attend_tails(q: Tensor, prefix: Tensor, tail: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One softmax over the P rows before, all seen, and the S rows of the own chunk, masked.

    q: (R * h, n * Q, d), scaled; prefix: (2, R * h, P, d); tail: (2, R * h, n * S, d). Returns the output in
    the shape of q, and the probabilities (R * h, n * Q, P) and (blocks, Q, S).
    """
    chunks, queries, size = mask.shape
    before = prefix.shape[2]
    k, v = tail.view(2, q.shape[0] * chunks, size, -1)
    own = torch.bmm(q.view(len(k), queries, -1), k.transpose(1, 2))
    own.view(-1, *mask.shape).add_(mask)
    scores = torch.cat([torch.bmm(q, prefix[0].transpose(1, 2)), own.view(q.shape[0], -1, size)], dim=-1)
    p = scores.softmax(-1)
    # Split into contiguous parts: products of strided batches are slow on CPUs.
    p_prefix = p[:, :, :before].contiguous()
    p_tail = p[:, :, before:].contiguous().view(own.shape)
    out = torch.bmm(p_prefix, prefix[1])
    add_product(out.view(len(k), queries, -1), p_tail, v)
    return out, p_prefix, p_tail


def _tail_gradients(
    g: Tensor, q: Tensor, prefix: Tensor, tail: Tensor, p_prefix: Tensor, p_tail: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the scaled queries, of keys and values before and of their own, given that of the output.

    With probabilities p and ds = p * (g v' - sum(p * g v')), the gradient of the scores: dq = ds k,
    dk = ds' q, dv = p' g.
    """
    blocks, queries, size = p_tail.shape
    k, v = tail.view(2, blocks, size, -1)
    g_own, q_own = g.view(blocks, queries, -1), q.view(blocks, queries, -1)
    ds_prefix = torch.bmm(g, prefix[1].transpose(1, 2)).mul_(p_prefix)
    ds_own = torch.bmm(g_own, v.transpose(1, 2)).mul_(p_tail)
    total = ds_prefix.sum(-1, keepdim=True) + ds_own.sum(-1).view(g.shape[0], -1, 1)
    ds_prefix.addcmul_(p_prefix, total, value=-1)
    ds_own.addcmul_(p_tail, total.view(blocks, -1, 1), value=-1)
    gq = torch.bmm(ds_prefix, prefix[0])
    add_product(gq.view(q_own.shape), ds_own, k)
    g_prefix, g_tail = torch.empty_like(prefix), torch.empty_like(tail)
    torch.bmm(ds_prefix.transpose(1, 2), q, out=g_prefix[0])
    torch.bmm(p_prefix.transpose(1, 2), g, out=g_prefix[1])
    gk, gv = g_tail.view(2, blocks, size, -1)
    product(ds_own.transpose(1, 2), q_own, gk)
    product(p_tail.transpose(1, 2), g_own, gv)
    return gq, g_prefix, g_tail
