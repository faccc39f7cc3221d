"""Methods with the fields of prompts from outside: a class of their own, made of the kinds that take part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import Field, PydanticUserError, ValidationError, create_model
from pydantic.fields import FieldInfo

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import SHOWN_LENGTH, refuse
from nemesis_sweep.spec.kinds import KINDS
from nemesis_sweep.spec.method import TABLES, Method, MethodSection, Shots
from nemesis_sweep.spec.metrics import MEASURED
from nemesis_sweep.spec.names import DatasetName
from nemesis_sweep.spec.outside.kinds import kind_of
from nemesis_sweep.spec.outside.reference import refused
from nemesis_sweep.spec.owned import applies
from nemesis_sweep.spec.prompts import Kind, Kinds
from nemesis_sweep.spec.translate import faults_of
from nemesis_sweep.spec.values import Values

Pairs = tuple[tuple[str, Kind], ...]


def kinds_of(prompts: Iterable[str]) -> Pairs:
    """Those of some kinds of prompts that are from outside. Raises ``UserError`` for names that are none."""
    return tuple((name, kind_of(name)) for name in sorted(set(prompts) - set(KINDS)))


def all_kinds(prompt: str) -> Kinds:
    """The kinds of this package, and this one, too."""
    return {**KINDS, **dict(kinds_of([prompt]))}


@cache
def method_model(kinds: Pairs) -> type[Method]:
    """The class of methods that have the fields of these kinds, too.

    Raises ``UserError`` for a field that another kind, or every method, has otherwise.
    """
    if not kinds:
        return Method
    fields = {name: (field, "every method") for name, field in Method.model_fields.items()}
    for kind_name, kind in kinds:
        for name, field in kind.fields.model_fields.items():
            if hasattr(Method, name) or name in (*TABLES, *MEASURED):
                raise refused(kind_name, f"has a field `{name}`, a name that is taken", field, "another name")
            other, whose = fields.setdefault(name, (field, kind_name))
            if not _alike(field, other):
                allowed = f"another name for it, or the one that {whose} has"
                raise refused(kind_name, f"has a field `{name}` of its own, as {whose} has", field, allowed)
    bases = [kind.fields for _, kind in kinds]
    every: list[type] = [*bases, Method]
    others = [other for base in every for other in base.__mro__[1:]]
    own = [base for base in dict.fromkeys(bases) if base not in others]
    table = {"kinds": {**KINDS, **dict(kinds)}, "__module__": __name__, "__doc__": Method.__doc__}
    try:
        return type("Method", (*own, Method), table)
    except (TypeError, PydanticUserError) as error:
        first = str(error).strip().splitlines()[0]
        names = ", ".join(name for name, _ in kinds)
        raise refused(
            names, "has fields that cannot be put together with those of every method", first, "others"
        ) from error


@cache
def section_model(kinds: Pairs) -> type[MethodSection]:
    """The class of `method` sections with the fields of these kinds, too."""
    if not kinds:
        return MethodSection
    method = method_model(kinds)
    tables: dict[str, Any] = {
        "per_shots": (dict[Shots, method], Field(default_factory=dict)),  # type: ignore[valid-type]
        "per_dataset": (dict[DatasetName, method], Field(default_factory=dict)),  # type: ignore[valid-type]
    }
    bases: tuple[Any, ...] = (MethodSection, method)
    made: type[MethodSection] = create_model("MethodSection", __base__=bases, **tables)
    return made


def read_method(values: Values) -> Method:
    """The method of one trial, of plain values, as ``model_dump`` gives them.

    Raises ``UserError`` for fields and values that it has not; fields of other kinds of prompts do nothing.
    """
    if not isinstance(values, Mapping):
        shown = repr(values)[:SHOWN_LENGTH]
        allowed = "a mapping of its fields, such as {'omega': 5.0}"
        raise UserError(Problem("not a method", "method", found=shown, allowed=allowed))
    model = method_class(values)
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        refuse(faults_of(error, dict(values), model, ("method",)))
        raise


def method_class(values: Values) -> type[Method]:
    """The class of a method with these values: that of its prompt.

    Raises ``UserError`` for a prompt that there is not.
    """
    prompt = values.get("prompt", "coop")
    # What is no text is refused, as other wrong values are, by the method itself.
    return method_model(kinds_of([prompt] if isinstance(prompt, str) else []))


def narrowed(method: Method) -> Method:
    """A method without the fields that only other kinds from outside have: its prompt decides its class.

    So its plain values say all of it. Fields of other kinds and optimisers, which a sweep that tries several
    may have fixed for those, have their defaults: no kind learns by them.
    """
    model = method_model(tuple(pair for pair in outside_kinds(method) if pair[0] == method.prompt))
    if type(method) is not model:
        method = model.model_validate({name: getattr(method, name) for name in model.model_fields})
    chosen = dict(method)
    others = {
        name: model.model_fields[name].get_default(call_default_factory=True)
        for name in chosen
        if not applies(name, chosen, method.kinds)
    }
    odd = {name: default for name, default in others.items() if chosen[name] != default}
    return method.model_copy(update=odd) if odd else method


def outside_kinds(method: Method) -> Pairs:
    """The kinds from outside whose fields a method has."""
    return tuple((name, kind) for name, kind in method.kinds.items() if name not in KINDS)


def _alike(one: FieldInfo, other: FieldInfo) -> bool:
    return one is other or (
        one.annotation == other.annotation
        and one.default == other.default
        and list(map(repr, one.metadata)) == list(map(repr, other.metadata))
    )
