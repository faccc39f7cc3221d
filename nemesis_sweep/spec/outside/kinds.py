"""Kinds of prompts from outside: what a class, or an entry beside it, says of itself."""

from __future__ import annotations

from typing import Any, get_args

from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.fields import Section
from nemesis_sweep.spec.outside.reference import FORM, load, outside, refused, short_names
from nemesis_sweep.spec.prompts import PROMPTS, Fields, Kind, Reads

READS = get_args(Reads)


def kind_of(prompt: str) -> Kind:
    """The kind of prompts of a name, or of what stands at `module:Name`. Raises ``UserError`` for none.

    Its module is imported, but none of this package's that need torch.
    """
    if prompt in PROMPTS:
        return PROMPTS[prompt]
    place = outside(prompt, "prompts")
    if not place:
        names = [*PROMPTS, *short_names("prompts")]
        near = nearest(prompt, names)
        raise UserError(
            Problem(
                "unknown prompt", "prompt", found=repr(prompt), allowed=listed([*names, FORM]), nearest=near
            )
        )
    found = load(place)
    kind = found if isinstance(found, Kind) else _kind(found, place)
    _refuse_fields(kind, place)
    return kind


def _kind(found: Any, place: str) -> Kind:
    """The kind that a class describes by its attributes `fields`, `transfers`, `reads` and `several`."""
    if not isinstance(found, type):
        allowed = "a class that extends nemesis_sweep.Learner, or a nemesis_sweep.Kind"
        raise refused(place, "is no kind of prompt", found, allowed)
    reads: Any = getattr(found, "reads", "pooled")
    transfers = getattr(found, "transfers", True)
    if reads not in READS:
        raise refused(place, "has another `reads` than there is", reads, listed(READS))
    several = bool(getattr(found, "several", False))
    if not isinstance(transfers, bool):
        raise refused(place, "has a `transfers` that is neither true nor false", transfers, "True, False")
    about = (found.__doc__ or "").strip().partition("\n")[0]
    return Kind(
        found, about, getattr(found, "fields", Fields), transfers=transfers, reads=reads, several=several
    )


def _refuse_fields(kind: Kind, place: str) -> None:
    allowed = "a class that extends nemesis_sweep.Fields, with a default for every field"
    if not isinstance(kind.fields, type) or not issubclass(kind.fields, Section):
        raise refused(place, "has `fields` that are none", kind.fields, allowed)
    for name, field in kind.fields.model_fields.items():
        if field.is_required():
            raise refused(place, f"has a field `{name}` without a default", kind.fields, allowed)
