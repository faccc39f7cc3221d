"""All checks of what a sweep file asks of its backbones."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.messages.faults import Fault
from nemesis_sweep.spec.checks.context_room import context_room_faults
from nemesis_sweep.spec.checks.depths import depth_faults
from nemesis_sweep.spec.checks.images import image_faults
from nemesis_sweep.spec.checks.logit_scale import scale_faults
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.names import KnownNames


def backbone_faults(parts: CrossSection, known: KnownNames) -> Iterator[Fault]:
    """Yield everything that a backbone of the sweep cannot do, as far as it is known of them."""
    if known.context_length is not None:
        yield from context_room_faults(parts, known.context_length)
    if known.stores_scale is not None:
        yield from scale_faults(parts, known.stores_scale)
    yield from image_faults(parts, known)
    if known.text_blocks is not None:
        yield from depth_faults(parts, known.text_blocks)
