"""Reading the `space` section, and walking through it with its conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError

from nemesis_sweep.messages.errors import nearest
from nemesis_sweep.messages.faults import Fault, Key, Path, listed, shown
from nemesis_sweep.spec.dimensions import Choice, Dimension, FloatRange, IntRange, Scalar, Space
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.names import Reading
from nemesis_sweep.spec.other_dimensions import bare_form, our_form, written
from nemesis_sweep.spec.other_keys import meant_key
from nemesis_sweep.spec.translate import WRONG_TYPE, faults_of

OURS = frozenset(("low", "high", "log", "step", "choices"))
UNCHECKED = Reading(None, Method)
"""Without names that are checked, and without prompts from outside."""
FORMS = "{low: ..., high: ...}, with log or step, or {choices: [...]}"


def check_value(name: str, value: Any, path: Path, reading: Reading) -> tuple[Any, list[Fault]]:
    """Return `value` as the method's field `name` holds it, or what is wrong with it at `path`."""
    data = {name: value}
    try:
        return getattr(reading.method.model_validate(data, context=reading), name), []
    except ValidationError as error:
        return None, [
            Fault(path, fault.message, fault.found, fault.allowed, fault.nearest)
            for fault in faults_of(error, data, reading.method)
        ]


def read_space(raw: Any, path: Path, reading: Reading) -> tuple[Space, list[Fault]]:
    """Return the dimensions of a mapping of names to dimensions, and what is wrong with the others."""
    if not isinstance(raw, dict):
        return {}, [Fault(path, WRONG_TYPE, shown(raw), f"a mapping of names to {FORMS}")]
    space: Space = {}
    faults: list[Fault] = []
    for name, value in raw.items():
        if name not in reading.method.model_fields:
            names = list(reading.method.model_fields)
            faults.append(
                Fault(
                    (*path, name),
                    "unknown key",
                    "",
                    listed(names),
                    meant_key(name, names, "space", reading.places),
                )
            )
            continue
        dimension, wrong = _read_dimension(name, value, (*path, name), reading)
        faults += wrong
        if dimension is not None:
            space[name] = dimension
    return space, faults


def _read_dimension(
    name: str, raw: Any, path: Path, reading: Reading
) -> tuple[Dimension | None, list[Fault]]:
    if isinstance(raw, FloatRange | IntRange | Choice):
        return raw, []
    if not isinstance(raw, dict):
        allowed = f"{FORMS}; a fixed value stands under method"
        return None, [Fault(path, WRONG_TYPE, shown(raw), allowed, _in_our_form(name, raw, reading))]
    dimension, faults = _read_mapping(name, raw, path, reading)
    near = _in_our_form(name, raw, reading) if faults else ""
    return (
        (None, [Fault(path, "not the form of a dimension", shown(raw), FORMS, near)])
        if near
        else (dimension, faults)
    )


def _read_mapping(
    name: str, raw: dict[Any, Any], path: Path, reading: Reading
) -> tuple[Dimension | None, list[Fault]]:
    return (_read_choice if "choices" in raw else _read_range)(name, raw, path, reading)


def _in_our_form(name: str, raw: Any, reading: Reading) -> str:
    """Return a dimension that another tool writes so in our form; '' where that is none of ours."""
    if isinstance(raw, dict) and OURS.issuperset(raw):
        return ""
    value = raw["value"] if isinstance(raw, dict) and set(raw) == {"value"} else raw
    if not isinstance(value, dict | list) and not check_value(name, value, (), reading)[1]:
        return f"method.{name}: {shown(value)}"
    form = our_form(raw)
    if form is None and isinstance(raw, str) and (bare := bare_form(raw)):
        return f"{name}: {bare}"
    right = form is not None and form != raw and not _read_mapping(name, form, (), reading)[1]
    return f"{name}: {written(form)}" if form is not None and right else ""


def searched_form(name: Key, value: Any, reading: Reading) -> str:
    """Return a dimension in the place of a fixed value as `space` has it; '' for what is none."""
    form = value if isinstance(value, dict) and OURS.issuperset(value) else our_form(value)
    if name not in reading.method.model_fields or not form or _read_mapping(str(name), form, (), reading)[1]:
        return ""
    return f"space.{name}: {written(form)}"


def range_of(name: str, method: type[Method] = Method) -> type[FloatRange] | type[IntRange] | None:
    """Return the kind of range that fits the method's field: of numbers, whole numbers, or none."""
    annotation = method.model_fields[name].annotation
    kinds = {annotation, *(kind for member in get_args(annotation) for kind in (member, *get_args(member)))}
    if float in kinds:
        return FloatRange
    return IntRange if int in kinds else None


def _read_range(
    name: str, raw: dict[Any, Any], path: Path, reading: Reading
) -> tuple[Dimension | None, list[Fault]]:
    model = range_of(name, reading.method)
    if model is None:
        return None, [Fault(path, f"{name} is not a number and has no range", shown(raw), "{choices: [...]}")]
    try:
        dimension = model.model_validate(raw)
    except ValidationError as error:
        faults = faults_of(error, raw, model, path, reading.places)
        unknown = [fault for fault in faults if fault.message == "unknown key" and not fault.nearest]
        if len(unknown) == len(raw):
            return None, [Fault(path, "neither a range nor choices", shown(raw), FORMS)]
        return None, faults
    wrong = [
        fault for key in ("low", "high") for fault in check_value(name, raw[key], (*path, key), reading)[1]
    ]
    return (None if wrong else dimension), wrong


def _read_choice(
    name: str, raw: dict[Any, Any], path: Path, reading: Reading
) -> tuple[Choice | None, list[Fault]]:
    faults = [
        Fault((*path, key), "unknown key", "", "choices", nearest(str(key), ["choices"]))
        for key in raw
        if key != "choices"
    ]
    path = (*path, "choices")
    written = raw["choices"]
    if not isinstance(written, list | dict) or not written:
        allowed = "a list of values, or a mapping of values to the dimensions they open"
        return None, [*faults, Fault(path, WRONG_TYPE if written else "empty", shown(written), allowed)]
    keys = list(written) if isinstance(written, dict) else list(range(len(written)))
    choices: list[Scalar] = []
    opens: list[Space] = []
    for place, value in zip(keys, written, strict=True):
        choice, wrong = check_value(name, value, (*path, place), reading)
        if not wrong and choice in choices:
            wrong = [Fault((*path, place), "listed twice", shown(value))]
        opened: Space = {}
        if isinstance(written, dict) and written[value] is not None:
            opened, more = read_space(written[value], (*path, place), reading)
            wrong += more
        choices.append(choice)
        opens.append(opened)
        faults += wrong
    return (None if faults else Choice(choices=choices, opens=opens)), faults


@dataclass(frozen=True)
class Place:
    """A dimension where it stands: `taken` are the choices on the way to it, `visible` all that can be
    searched together with it, itself included."""

    name: str
    dimension: Dimension
    path: Path
    taken: dict[str, Scalar]
    visible: tuple[tuple[str, Dimension], ...]


def places(space: Space, path: Path = ("space",)) -> Iterator[Place]:
    """Yield every dimension of a space, those inside choices too."""
    yield from _places(space, path, {}, ())


def _places(
    space: Space, path: Path, taken: dict[str, Scalar], above: tuple[tuple[str, Dimension], ...]
) -> Iterator[Place]:
    here = tuple(pair for name, dimension in space.items() for pair in _inside(name, dimension))
    for name, dimension in space.items():
        yield Place(name, dimension, (*path, name), taken, above + here)
        if isinstance(dimension, Choice):
            # Inside one choice, what the other choices of the same dimension open does not exist.
            mine = {id(inner) for _, inner in _inside(name, dimension)}
            beside = above + tuple(pair for pair in here if id(pair[1]) not in mine)
            for choice, opened in zip(dimension.choices, dimension.opens, strict=True):
                below = (*path, name, "choices", choice)
                yield from _places(opened, below, {**taken, name: choice}, beside)


def _inside(name: str, dimension: Dimension) -> Iterator[tuple[str, Dimension]]:
    yield name, dimension
    if isinstance(dimension, Choice):
        for opened in dimension.opens:
            for inner_name, inner in opened.items():
                yield from _inside(inner_name, inner)


def searched_names(space: Space) -> list[str]:
    """Return the names of all dimensions, those inside choices too, each once."""
    return list(dict.fromkeys(place.name for place in places(space)))


def always_searched(space: Space) -> set[str]:
    """Return the names that every trial draws, whatever it chooses elsewhere."""
    names = set(space)
    for dimension in space.values():
        if isinstance(dimension, Choice):
            names |= set.intersection(*(always_searched(opened) for opened in dimension.opens))
    return names
