"""Which rows the shared path computes: the common beginning of all prompts once, then each class's own tail.

    constant  leading positions that nothing learnt can reach (SOS), none with a prefix: once per tower
    shared    the other common positions (context vectors): m rows, computed once per replicate
    tails     what remains of each class, packed whole into n chunks of S rows

Linear layers see one list of K = m + n * S rows with hardly any padding, so one long class name costs its own
length only; attention sees small squares.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import torch
from torch import Tensor

from nemesis_sweep.vlm.devices import to_device
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.packing import pack


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of a plan that one forward pass computes: all of them, or those from one context vector on.

    rows: (A,) row numbers, a shared ones first, then Q per chunk (padded with the chunk's last EOT).
    context_at, context_slots, context_classes, context_positions: (Z,) which of them hold context vectors,
    which, whose, and at which position of the prompt.
    shared_mask: (a, P0 + m), tail_mask: (n, Q, S): additive masks, 0 where a row may look.
    last_at: (n * q,) which of them are EOT rows, q per chunk; last_mask: (n, q, S); last_picks: (C,) where
    each class's EOT stands in that list.
    """

    rows: Tensor
    context_at: Tensor
    context_slots: Tensor
    context_classes: Tensor
    context_positions: Tensor
    shared_mask: Tensor
    tail_mask: Tensor
    last_at: Tensor
    last_mask: Tensor
    last_picks: Tensor

    def moved(self, device: torch.device, dtype: torch.dtype) -> Part:
        """The same on a device, masks in a number format."""
        tensors = {item.name: getattr(self, item.name) for item in fields(self)}
        masks = {name: to_device(value, device, dtype) for name, value in tensors.items() if "mask" in name}
        return Part(**{name: to_device(value, device) for name, value in tensors.items()} | masks)


@dataclass(frozen=True, eq=False)
class PackedPlan:
    """All rows of the shared path: first m shared ones, then n chunks of S tail rows; K = m + n * S.

    constant_tokens: (P0,) token ids of the constant beginning.
    tokens, slots, classes, positions: (K,) of each row its token id (0 if none), context vector (-1 if none),
    class (-1 for padding, 0 for shared rows) and position in its prompt.
    slot_positions: (C, M) where each context vector stands. last_rows: (C,) the rows of the EOTs.
    All of them are on the CPU, where it is decided what to compute. device, dtype: of its parts.
    """

    shared: int
    chunks: int
    size: int
    constant_tokens: Tensor
    tokens: Tensor
    slots: Tensor
    classes: Tensor
    positions: Tensor
    slot_positions: Tensor
    last_rows: Tensor
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32
    parts: dict[tuple[str, int], Part] = field(default_factory=dict)

    @property
    def whole(self) -> Part:
        """All rows."""
        return self._part("whole", 0)

    @cached_property
    def kept(self) -> int:
        """How many rows stand in front of the last context vector of any prompt, as a leading range."""
        in_tails = bool((self.slots[self.shared :] >= 0).any())
        return len(self.tokens) if in_tails else self.shared

    def after(self, slot: int) -> Part:
        """The rows that see context vector number `slot`."""
        return self._part("after", slot)

    def behind(self, slot: int) -> Part:
        """The rows that see a word behind context vector number `slot`.

        Where other vectors stand in the places of the context, they alone are changed by what it was.
        """
        return self._part("behind", slot)

    def _part(self, which: str, slot: int) -> Part:
        if (which, slot) not in self.parts:
            # What is kept must serve training too, even if the first use is under inference_mode.
            with torch.inference_mode(False):
                made = _make_part(self, self._active(which, slot))
                self.parts[which, slot] = made.moved(self.device, self.dtype)
        return self.parts[which, slot]

    def _active(self, which: str, slot: int) -> Tensor:
        if which == "whole":
            return torch.ones_like(self.tokens, dtype=torch.bool)
        first = self.slot_positions[:, slot]
        if which == "behind":
            # The vectors that follow this one without a word between them are no words either.
            places = self.slot_positions[:, slot:] - first[:, None]
            first = first + (places == torch.arange(places.shape[1])).long().cumprod(dim=1).sum(dim=1)
        return (self.positions >= first[self.classes.clamp(min=0)]) & (self.classes >= 0)


_Key = tuple[bool, bool, str, torch.dtype]
_plans: weakref.WeakKeyDictionary[Layout, dict[_Key, PackedPlan]] = weakref.WeakKeyDictionary()


def plan_for(
    layout: Layout, per_class: bool, device: torch.device, dtype: torch.dtype, prefixed: bool = False
) -> PackedPlan:
    """The plan of a layout, made once. per_class: contexts differ between classes (CSC). prefixed: every row
    sees learnt keys and values, so no state is constant."""
    made = _plans.setdefault(layout, {})
    key = (per_class, prefixed, str(device), dtype)
    if key not in made:
        with torch.inference_mode(False):
            made[key] = replace(make_plan(layout, per_class, prefixed), device=device, dtype=dtype)
    return made[key]


def make_plan(layout: Layout, per_class: bool, prefixed: bool = False) -> PackedPlan:
    """Find the common beginning and pack the tails."""
    constant, common = _common(layout, per_class)
    constant = 0 if prefixed else constant
    lengths: list[int] = (layout.lengths - common).tolist()
    bins, size = pack(lengths)
    shared = common - constant
    classes = [0] * shared
    positions = list(range(constant, common))
    last_rows = [0] * len(lengths)
    for content in bins:
        for item in content:
            classes += [item] * lengths[item]
            positions += range(common, common + lengths[item])
            last_rows[item] = len(classes) - 1
        padding = size - sum(lengths[item] for item in content)
        classes += [-1] * padding
        positions += [0] * padding
    row_class, row_position = torch.tensor(classes), torch.tensor(positions)
    place = (row_class.clamp(min=0), row_position)
    is_slot = layout.slots >= 0
    return PackedPlan(
        shared=shared,
        chunks=len(bins),
        size=size,
        constant_tokens=layout.tokens[0, :constant],
        tokens=layout.tokens[place].masked_fill(row_class < 0, 0),
        slots=layout.slots[place].masked_fill(row_class < 0, -1),
        classes=row_class,
        positions=row_position,
        slot_positions=is_slot.nonzero()[:, 1].view(layout.n_classes, layout.n_ctx),
        last_rows=torch.tensor(last_rows),
    )


def _common(layout: Layout, per_class: bool) -> tuple[int, int]:
    """Length of the constant beginning, and of the whole common beginning, which never includes an EOT."""
    keys = torch.where(layout.slots >= 0, -1 - layout.slots, layout.tokens)
    same = (keys == keys[:1]).all(dim=0)
    has_slot = (layout.slots >= 0).any(dim=0)
    end = int(layout.lengths.min()) - 1
    common = _first_false(same & ~has_slot if per_class else same, end)
    constant = _first_false(~has_slot, common)
    return constant, common


def _first_false(flags: Tensor, end: int) -> int:
    positions = (~flags[:end]).nonzero()
    return int(positions[0, 0]) if len(positions) else end


def _make_part(plan: PackedPlan, active: Tensor) -> Part:
    """The part of a plan with the rows that are active; the EOTs always are."""
    m, n, size = plan.shared, plan.chunks, plan.size
    in_shared = active[:m].nonzero()[:, 0]
    in_tails = _per_chunk(active[m:].view(n, size))
    rows = torch.cat([in_shared, (in_tails + _starts(plan)).flatten()])
    context_at = (plan.slots[rows] >= 0).nonzero()[:, 0]

    is_last = torch.zeros_like(plan.tokens, dtype=torch.bool)
    is_last[plan.last_rows] = True
    last = _per_chunk(is_last[m:].view(n, size))
    last_rows = (last + _starts(plan)).flatten()
    places = torch.zeros_like(plan.tokens)
    places[rows] = torch.arange(len(rows))
    picks = torch.zeros_like(plan.tokens)
    picks[last_rows] = torch.arange(len(last_rows))

    fixed = len(plan.constant_tokens)
    causal = torch.full((m, fixed + m), float("-inf")).triu(fixed + 1)
    tail_mask = _same_class_causal(plan.classes[m:].view(n, size))
    return Part(
        rows=rows,
        context_at=context_at,
        context_slots=plan.slots[rows[context_at]],
        context_classes=plan.classes[rows[context_at]],
        context_positions=plan.positions[rows[context_at]],
        shared_mask=causal[in_shared],
        tail_mask=_take(tail_mask, in_tails),
        last_at=places[last_rows],
        last_mask=_take(tail_mask, last),
        last_picks=picks[plan.last_rows],
    )


def _starts(plan: PackedPlan) -> Tensor:
    """First row of each chunk (n, 1)."""
    return plan.shared + plan.size * torch.arange(plan.chunks)[:, None]


def _per_chunk(flags: Tensor) -> Tensor:
    """Where flags (n, S) are set, (n, Q): shorter lists repeat their last entry."""
    counts = flags.sum(dim=1, keepdim=True)
    order = torch.argsort(flags.logical_not().int(), dim=1, stable=True)
    columns = torch.arange(int(counts.max()))[None]
    return order.gather(1, torch.minimum(columns, counts - 1))


def _take(mask: Tensor, rows: Tensor) -> Tensor:
    """Rows (n, Q) of masks (n, S, S)."""
    return mask.gather(1, rows[:, :, None].expand(-1, -1, mask.shape[2]))


def _same_class_causal(classes: Tensor) -> Tensor:
    """Additive mask (n, S, S) for rows of classes (n, S): each sees itself and its class's earlier rows."""
    size = classes.shape[1]
    causal = torch.ones(size, size, dtype=torch.bool).tril()
    seen = (classes[:, :, None] == classes[:, None, :]) & causal
    return torch.zeros(seen.shape).masked_fill_(~seen, float("-inf"))
