"""Kinds of prompts from outside: what a class, or an entry beside it, says of itself."""

from __future__ import annotations

import json
from typing import Any

from pydantic import PydanticUserError, ValidationError

from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.fields import Section
from nemesis_sweep.spec.kinds import KINDS
from nemesis_sweep.spec.outside.reference import FORM, is_reference, load, outside, refused, short_names
from nemesis_sweep.spec.prompt_fields import Fields
from nemesis_sweep.spec.prompts import Kind
from nemesis_sweep.spec.reads import POOLED, READS


def kind_of(prompt: str) -> Kind:
    """The kind of prompts of a name, or of what stands at `module:Name`. Raises ``UserError`` for none.

    Its module is imported, but none of this package's that need torch.
    """
    if prompt in KINDS:
        return KINDS[prompt]
    place = outside(prompt, "prompts")
    if not place:
        names = [*KINDS, *short_names("prompts")]
        near = nearest(prompt, names)
        raise UserError(
            Problem(
                "unknown prompt", "prompt", found=repr(prompt), allowed=listed([*names, FORM]), nearest=near
            )
        )
    found = load(place)
    kind = found if isinstance(found, Kind) else _kind(found, place)
    _refuse_odd(kind, place)
    _refuse_fields(kind, place)
    return kind


def _kind(found: Any, place: str) -> Kind:
    """The kind that a class describes by its attributes: `fields`, `transfers`, `reads` and others."""
    if not isinstance(found, type):
        allowed = "a class that extends nemesis_sweep.Learner, or a nemesis_sweep.Kind"
        raise refused(place, "is no kind of prompt", found, allowed)
    about = (found.__doc__ or "").strip().partition("\n")[0]
    return Kind(
        found,
        about,
        getattr(found, "fields", Fields),
        transfers=getattr(found, "transfers", True),
        reads=getattr(found, "reads", POOLED),
        several=getattr(found, "several", False),
        variants=getattr(found, "variants", True),
        one_feature=getattr(found, "one_feature", False),
    )


def _refuse_odd(kind: Kind, place: str) -> None:
    """Raise ``UserError`` for what a kind says of itself in a way that means nothing."""
    if isinstance(kind.learner, str) and not is_reference(kind.learner):
        raise refused(place, "has a `learner` that is no place of a class", kind.learner, FORM)
    if kind.reads not in READS:
        raise refused(place, "has another `reads` than there is", kind.reads, listed(READS))
    for name in ("transfers", "several", "between_blocks", "variants", "one_feature"):
        value = getattr(kind, name)
        if not isinstance(value, bool):
            raise refused(place, f"has a `{name}` that is neither true nor false", value, "True, False")
    if kind.trains is not True:
        allowed = "True: only rows of this package are kinds without a prompt"
        raise refused(place, "has a `trains` that is not true", kind.trains, allowed)
    if not callable(kind.passes):
        raise refused(place, "has `passes` that cannot be called", kind.passes, "a function of the method")


def _refuse_fields(kind: Kind, place: str) -> None:
    allowed = "a class that extends nemesis_sweep.Fields, with a default for every field"
    if not isinstance(kind.fields, type) or not issubclass(kind.fields, Section):
        raise refused(place, "has `fields` that are none", kind.fields, allowed)
    for name, field in kind.fields.model_fields.items():
        if field.is_required():
            raise refused(place, f"has a field `{name}` without a default", kind.fields, allowed)
    odd = (
        set(kind.costly) - set(kind.fields.model_fields) if isinstance(kind.costly, tuple) else {kind.costly}
    )
    if odd:
        raise refused(
            place,
            "has `costly` fields that are none of its own",
            kind.costly,
            listed([*kind.fields.model_fields]),
        )
    _refuse_defaults(kind.fields, place)


def _refuse_defaults(fields: type[Section], place: str) -> None:
    """Raise ``UserError`` for defaults that are not of their type, or are not read again from JSON.

    Every trial is sent to its worker, and every prompt is saved, with all fields and their values.
    """
    try:
        fields.model_validate(json.loads(json.dumps(fields().model_dump(warnings=False))))
    except (ValidationError, PydanticUserError, TypeError, ValueError) as error:
        lines = [line.strip().partition(" [type=")[0] for line in str(error).strip().splitlines()]
        told = ": ".join(lines[1:3]) if isinstance(error, ValidationError) else lines[0]
        allowed = "a number, a text, true, false or none, and a default of its type"
        raise refused(place, "has a field that a sweep file cannot hold", told, allowed) from error
