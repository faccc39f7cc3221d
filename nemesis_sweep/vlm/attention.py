"""Attention of packed rows: shared rows among themselves, tail rows over the shared ones and their own class.

The shared rows' keys and values are never copied per class: all tail queries of a head meet them in one
matrix product, and its scores share one softmax with the scores inside the class. The backward pass is
written by hand to save only what it needs and to write each gradient once.

Shapes below: R replicates, h heads, d head width, n chunks of S rows with Q queries each, P rows before them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def packed_attention(
    q: Tensor,
    kv: Tensor,
    constant: tuple[Tensor, Tensor],
    masks: tuple[Tensor, Tensor],
    heads: int,
) -> Tensor:
    """Attend from query rows (R, a + n * Q, D) to rows (R, m + n * S, 2D) of keys and values side by side.

    constant: keys and values (h, P0, d) of the constant beginning, which every row sees; no gradient.
    masks: additive (1, a, m) among shared rows (a is m, or 0 where their outputs are not needed), and
    (n, Q, S) within chunks. Returns (R, a + n * Q, D).
    """
    out: Tensor = _PackedAttention.apply(q, kv, *constant, *masks, heads)
    return out


class _PackedAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        kv: Tensor,
        constant_k: Tensor,
        constant_v: Tensor,
        shared_mask: Tensor,
        tail_mask: Tensor,
        heads: int,
    ) -> Tensor:
        replicates, _, width = q.shape
        asked, shared = shared_mask.shape[1:]
        k, v = kv.chunk(2, dim=-1)
        k_shared, v_shared, k_tail, v_tail = (
            _by_head(part, heads) for part in (k[:, :shared], v[:, :shared], k[:, shared:], v[:, shared:])
        )
        k_first, v_first = (_repeat(part, replicates) for part in (constant_k, constant_v))
        k_prefix, v_prefix = torch.cat([k_first, k_shared], 1), torch.cat([v_first, v_shared], 1)
        scale = (width // heads) ** -0.5
        out = q.new_empty(replicates, q.shape[1], heads, width // heads)
        q_tail = _by_head(q[:, asked:], heads) * scale
        tail = _attend(q_tail, k_prefix, v_prefix, k_tail, v_tail, tail_mask)
        _store(out[:, asked:], tail[0])
        saved = [q_tail, k_prefix, v_prefix, k_tail, v_tail, *tail[1:]]
        if asked:
            q_shared = _by_head(q[:, :asked], heads) * scale
            among = _attend(q_shared, k_first, v_first, k_shared, v_shared, shared_mask)
            _store(out[:, :asked], among[0])
            saved += [q_shared, *among[1:]]
        ctx.save_for_backward(*saved)
        ctx.sizes = (heads, asked, shared, scale)
        return out.flatten(2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q_tail, k_prefix, v_prefix, k_tail, v_tail, p_prefix, p_tail, *of_shared = ctx.saved_tensors
        heads, asked, shared, scale = ctx.sizes
        replicates, _, width = grad.shape
        fixed = k_prefix.shape[1] - shared
        grad_q = grad.new_empty(replicates, grad.shape[1], heads, width // heads)
        grad_kv = grad.new_empty(replicates, shared + k_tail.shape[1], 2, heads, width // heads)

        g_tail = _by_head(grad[:, asked:], heads)
        tail = _gradients(g_tail, q_tail, k_prefix, v_prefix, k_tail, v_tail, p_prefix, p_tail)
        _store(grad_q[:, asked:], tail[0].mul_(scale))
        _store(grad_kv[:, shared:, 0], tail[3])
        _store(grad_kv[:, shared:, 1], tail[4])
        gk, gv = tail[1][:, fixed:], tail[2][:, fixed:]
        if asked:
            q_shared, p_first, p_among = of_shared
            k_first, v_first = k_prefix[:, :fixed], v_prefix[:, :fixed]
            k_shared, v_shared = k_prefix[:, fixed:].contiguous(), v_prefix[:, fixed:].contiguous()
            g_shared = _by_head(grad[:, :asked], heads)
            among = _gradients(g_shared, q_shared, k_first, v_first, k_shared, v_shared, p_first, p_among)
            _store(grad_q[:, :asked], among[0].mul_(scale))
            gk, gv = gk + among[3], gv + among[4]
        _store(grad_kv[:, :shared, 0], gk)
        _store(grad_kv[:, :shared, 1], gv)
        return grad_q.flatten(2), grad_kv.flatten(2), None, None, None, None, None


def _by_head(rows: Tensor, heads: int) -> Tensor:
    """(R, rows, D) to contiguous (R * h, rows, d)."""
    return rows.unflatten(2, (heads, -1)).transpose(1, 2).contiguous().flatten(0, 1)


def _repeat(constant: Tensor, replicates: int) -> Tensor:
    """(h, P0, d) to (R * h, P0, d)."""
    return constant.expand(replicates, -1, -1, -1).flatten(0, 1)


def _store(target: Tensor, by_head: Tensor) -> None:
    """Write (R * h, rows, d) into (R, rows, h, d)."""
    replicates, _, heads, _ = target.shape
    target.copy_(by_head.unflatten(0, (replicates, heads)).transpose(1, 2))


def _attend(
    q: Tensor, k_before: Tensor, v_before: Tensor, k_own: Tensor, v_own: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One softmax over the P rows before (all seen) and the S rows of the own chunk (masked).

    q: (R * h, n * Q, d), scaled. Returns the output of that shape and the probabilities (R * h, n * Q, P) and
    (R * h * n, Q, S).
    """
    chunks, queries, size = mask.shape
    before = k_before.shape[1]
    blocks = q.shape[0] * chunks
    k_by, v_by = k_own.view(blocks, size, -1), v_own.view(blocks, size, -1)
    own = torch.bmm(q.view(blocks, queries, -1), k_by.transpose(1, 2))
    own.unflatten(0, (-1, chunks)).add_(mask)
    scores = [torch.bmm(q, k_before.transpose(1, 2)), own.view(q.shape[0], -1, size)]
    p = torch.cat(scores, dim=-1).softmax(-1)
    # Split into contiguous parts: products of strided batches are slow on CPUs.
    p_before = p[:, :, :before].contiguous()
    p_own = p[:, :, before:].contiguous().view(blocks, queries, size)
    out = torch.bmm(p_before, v_before)
    out.view(blocks, queries, -1).baddbmm_(p_own, v_by)
    return out, p_before, p_own


def _gradients(
    g: Tensor,
    q: Tensor,
    k_before: Tensor,
    v_before: Tensor,
    k_own: Tensor,
    v_own: Tensor,
    p_before: Tensor,
    p_own: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of (scaled queries, keys before, values before, own keys, own values), given that of outputs.

    With D = p * (dp - sum(p * dp)), the gradient of the scores: dq = D k, dk = D' q, dv = p' g.
    """
    blocks = p_own.shape[0]
    g_by, q_by, k_by, v_by = (part.view(blocks, -1, part.shape[2]) for part in (g, q, k_own, v_own))
    d_before = torch.bmm(g, v_before.transpose(1, 2)).mul_(p_before)
    d_own = torch.bmm(g_by, v_by.transpose(1, 2)).mul_(p_own)
    total = d_before.sum(-1, keepdim=True) + d_own.sum(-1).view(g.shape[0], -1, 1)
    d_before.addcmul_(p_before, total, value=-1)
    d_own.addcmul_(p_own, total.view(blocks, -1, 1), value=-1)
    gq = torch.bmm(d_before, k_before)
    gq.view_as(q_by).baddbmm_(d_own, k_by)
    gk_before = torch.bmm(d_before.transpose(1, 2), q)
    gv_before = torch.bmm(p_before.transpose(1, 2), g)
    gk_own = torch.bmm(d_own.transpose(1, 2), q_by).view_as(k_own)
    gv_own = torch.bmm(p_own.transpose(1, 2), g_by).view_as(v_own)
    return gq, gk_before, gv_before, gk_own, gv_own
