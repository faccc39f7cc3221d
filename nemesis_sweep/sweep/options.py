"""Options of Optuna's classes: which of them a sweep file can set, and whether their values fit."""

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nemesis_sweep.messages.errors import nearest
from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.values import Values

KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
    "None": (type(None),),
    "anything": (object,),
}
WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "None": "null"}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def settable(factory: Callable[..., Any], reserved: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """Return the options that YAML can express, each with the kinds of value it takes.

    Read off the annotations, which Optuna keeps as text: a function or another sampler cannot be written. An
    argument without an annotation, of a class from outside, takes anything.
    """
    kinds = {
        name: tuple(part.strip() for part in _text(parameter.annotation).split("|"))
        for name, parameter in inspect.signature(factory).parameters.items()
        if parameter.kind in NAMED
    }
    return {
        name: parts for name, parts in kinds.items() if name not in reserved and KINDS.keys() >= set(parts)
    }


def option_faults(
    build: Callable[..., Any],
    allowed: Mapping[str, tuple[str, ...]],
    options: Values,
    name: str,
    always: bool = False,
) -> list[Fault]:
    """Return what is wrong with the options of the sampler or pruner `name`, each at its own key.

    build: makes it of the options; Optuna's own objections are passed on. always: make it even without
    options, as one from outside.
    """
    faults = []
    for option, value in options.items():
        if option not in allowed:
            message = f"unknown option of {name}"
            faults.append(Fault((option,), message, "", listed(list(allowed)), nearest(option, allowed)))
        elif not _fits(value, allowed[option]):
            words = " or ".join(WORDS[kind] for kind in allowed[option])
            faults.append(Fault((option,), "wrong type", shown(value), words))
    if faults or not (options or always):
        return faults
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            build(**options)
    except (Exception, SystemExit) as error:
        if not always and not isinstance(error, ValueError | TypeError):
            raise
        message = (str(error).strip() or type(error).__name__).rstrip(".").replace("\n", " ")
        return [Fault((), f"{name} refuses these options: {message}", shown(dict(options)))]
    return []


def under(path: Path, faults: Sequence[Fault]) -> list[Fault]:
    """Return faults that know only the key of an option with the path of the options before it."""
    return [replace(fault, path=(*path, *fault.path)) for fault in faults]


def _text(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return "anything"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _fits(value: Any, kinds: Sequence[str]) -> bool:
    if isinstance(value, bool):
        return not {"bool", "anything"}.isdisjoint(kinds)
    return any(isinstance(value, KINDS[kind]) for kind in kinds)
