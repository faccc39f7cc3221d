"""The prompts from outside that the plain data of a sweep file names, before any section is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import Fault, Path
from nemesis_sweep.spec.kinds import KINDS
from nemesis_sweep.spec.names import KnownNames
from nemesis_sweep.spec.outside.kinds import kind_of
from nemesis_sweep.spec.outside.methods import Pairs, method_model
from nemesis_sweep.spec.outside.reference import outside
from nemesis_sweep.spec.prompts import Kind


def outside_prompts(data: dict[Any, Any], known: KnownNames | None) -> tuple[Pairs, list[Fault]]:
    """Return the kinds from outside with their names, and what is wrong with the others.

    known: None where they are only looked at, as in a home.
    """
    kinds: dict[str, Kind] = {}
    faults: dict[str, Fault] = {}
    for path, name in _prompts_in(data):
        if name in KINDS or name in kinds or name in faults or not outside(name, "prompts"):
            continue
        try:
            more = {**kinds, name: kind_of(name)}
            method_model(tuple(more.items()))
        except UserError as error:
            faults[name] = _fault(path, error.problems[0])
            continue
        problem = known.part_problem("prompts", name) if known and known.part_problem else None
        if problem is not None:
            faults[name] = _fault(path, problem)
        kinds = more
    return tuple(sorted(kinds.items())), list(faults.values())


def _fault(path: Path, problem: Problem) -> Fault:
    return Fault(path, problem.message, problem.found, problem.allowed, problem.nearest)


def _prompts_in(data: dict[Any, Any]) -> Iterator[tuple[Path, str]]:
    method = data.get("method")
    if isinstance(method, dict):
        yield from _value(("method",), method)
        for table in ("per_shots", "per_dataset"):
            entries = method.get(table)
            for key, own in entries.items() if isinstance(entries, dict) else ():
                yield from _value(("method", table, key), own)
    yield from _in_space(("space",), data.get("space"))


def _value(path: Path, fields: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(fields, dict) and isinstance(fields.get("prompt"), str):
        yield (*path, "prompt"), fields["prompt"]


def _in_space(path: Path, space: Any) -> Iterator[tuple[Path, str]]:
    for name, dimension in space.items() if isinstance(space, dict) else ():
        choices = dimension.get("choices") if isinstance(dimension, dict) else None
        if not isinstance(choices, list | dict):
            continue
        places = enumerate(choices) if isinstance(choices, list) else zip(choices, choices, strict=True)
        for place, choice in places:
            if name == "prompt" and isinstance(choice, str):
                yield (*path, name, "choices", place), choice
            if isinstance(choices, dict):
                yield from _in_space((*path, name, "choices", place), choices[place])
