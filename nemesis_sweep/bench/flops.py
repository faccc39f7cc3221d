"""Floating-point operations that our training step needs, counted from the architecture and its rows.

A product of (a, b) and (b, c) counts 2abc. Only what is needed counts: no padding, no look at a position that
the mask hides, no norms, activations or softmax, so that the share of peak that follows is a lower bound.
With D the width, W the weights of a block's matrices (in the classic block 12 D^2, of which 3 D^2 project
queries, keys and values), K rows, Z of them context vectors, C of them EOTs, and V the number of (row,
visible row) pairs, one forward pass of one replicate through n layers of the shared path takes

    first layer     2 (3 D^2 Z + (W - 3 D^2) K) + 4 D V    what is not context is projected beforehand
    middle layers   2 W K                       + 4 D V
    last layer      2 (2 D^2 K + (W - 2 D^2) C) + 4 D V(EOTs only)
    ending          2 C D E + 2 B C E                      projection and logits of B images

The plain path takes n (2 W K + 4 D V) + ending with K = C L. A backward pass takes the same for products
with weights (they are frozen: only the gradient of the rows is made) and for the ending, and twice the same
for attention. PAN's variants are forward passes over the rows from the tested vector on.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from nemesis_sweep.bench.workload import Workload
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.plan import PackedPlan, Part, plan_for
from nemesis_sweep.vlm.text import choose_path


@dataclass(frozen=True)
class Cost:
    """Operations of a forward pass: products with weights, attention, and everything after the tower."""

    weights: float
    attention: float
    ending: float

    @property
    def forward(self) -> float:
        return self.weights + self.attention + self.ending

    @property
    def training(self) -> float:
        """Forward and backward."""
        return 2 * self.weights + 3 * self.attention + 2 * self.ending


def step_flops(workload: Workload, positions: Tensor) -> float:
    """Operations of one step of all replicates in which PAN tests the positions (R, N)."""
    tower, layout = workload.tower, workload.layout
    replicates, tested = positions.shape
    if choose_path(tower, layout) != "shared":
        cost = _plain(tower, layout, workload.setting.batch)
        return replicates * (cost.training + tested * cost.forward)
    plan = plan_for(layout, False, tower.device, tower.dtype)
    total = replicates * _shared(tower, plan, plan.whole, workload).training
    if tested:
        # All variants go together, from the first vector that any of them changes.
        variant = _shared(tower, plan, plan.after(int(positions.min())), workload)
        total += replicates * tested * variant.forward
    return total


def _shared(tower: OpenClipTower, plan: PackedPlan, part: Part, workload: Workload) -> Cost:
    rows = part.rows.unique()
    rows = rows[plan.classes[rows] >= 0]
    width, classes = tower.width, workload.layout.n_classes
    count, context = len(rows), len(part.context_at)
    pairs = int((plan.positions[rows] + 1).sum())
    pairs_of_ends = int(workload.layout.lengths.sum())
    weights = attention = 0.0
    for number, block in enumerate(tower.blocks):
        own, is_last = _matrix_weights(block), number == len(tower.blocks) - 1
        asking = classes if is_last else count
        projected = width**2 * (3 * context if number == 0 else asking + 2 * count)
        weights += 2 * (projected + (own - 3 * width**2) * asking)
        attention += 4 * width * (pairs_of_ends if is_last else pairs)
    return Cost(weights, attention, _ending(tower, classes, workload.setting.batch))


def _plain(tower: OpenClipTower, layout: Layout, batch: int) -> Cost:
    length = tower.context_length + (tower.cls_emb is not None)
    rows = layout.n_classes * length
    visible = (length + 1) / 2 if tower.attn_mask is not None else length
    weights = sum(2.0 * _matrix_weights(block) * rows for block in tower.blocks)
    attention = len(tower.blocks) * 4 * tower.width * visible * rows
    return Cost(weights, attention, _ending(tower, layout.n_classes, batch))


def _matrix_weights(block: object) -> int:
    """Weights of a block's matrices: what one row is multiplied with."""
    from torch import nn

    assert isinstance(block, nn.Module)
    return sum(parameter.numel() for parameter in block.parameters() if parameter.ndim == 2)


def _ending(tower: OpenClipTower, classes: int, batch: int) -> float:
    projection = 0 if tower.text_projection is None else 2 * classes * tower.width * tower.embed_dim
    return projection + 2.0 * batch * classes * tower.embed_dim
