"""Names that a sweep file may use, and the field types that check them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from nemesis_sweep.spec.errors import Problem, nearest
from nemesis_sweep.spec.faults import Fault, listed
from nemesis_sweep.spec.pruners import PRUNERS
from nemesis_sweep.spec.samplers import SAMPLERS

OptionCheck = Callable[[str, Mapping[str, Any]], Sequence[Fault]]


@dataclass(frozen=True)
class KnownNames:
    """What the registries hold, as plain names; passed to pydantic as the validation context.

    dataset_problem, backbone_problem: tell what is wrong with a dataset or a backbone that is not listed
    (paths and `name@pretrained` may be right), None if nothing is. context_length: tokens in a text of a
    backbone, None where that is not known before its weights are. no_patches: why a backbone has no features
    of the parts of an image, '' if it has or if that is not known. sampler_options, pruner_options: tell what
    is wrong with the options of a sampler or pruner, from its name and the options; called only for files
    that set options.
    """

    datasets: Sequence[str] = ()
    backbones: Sequence[str] = ()
    samplers: Sequence[str] = ()
    pruners: Sequence[str] = ()
    prompts: Sequence[str] = ()
    dataset_problem: Callable[[str], Problem | None] | None = None
    backbone_problem: Callable[[str], Problem | None] | None = None
    context_length: Callable[[str], int | None] | None = None
    no_patches: Callable[[str], str] | None = None
    sampler_options: OptionCheck | None = None
    pruner_options: OptionCheck | None = None


OTHER_NAMES = {
    other: name for table in (SAMPLERS, PRUNERS) for name, part in table.items() for other in part.others
}
"""Samplers and pruners as others call them; Optuna's classes are these with `Sampler` or `Pruner` behind."""


def meant_name(name: str, names: Sequence[str]) -> str:
    """Return which of `names` is meant by another tool's name for it, or by a misspelt one; '' if none is."""
    plain = re.sub(r"[^a-z0-9]|sampler|pruner|scheduler|search$|rule$", "", name.casefold())
    by_plain = {each.replace("_", ""): each for each in names}
    other = OTHER_NAMES.get(plain, "")
    return by_plain.get(plain) or (other if other in names else "") or nearest(name, names)


def _check(kind: str, name: str, names: Sequence[str]) -> str:
    if name in names:
        return name
    context = {"kind": kind, "allowed": listed(names), "nearest": meant_name(name, names)}
    raise PydanticCustomError("unknown_name", "unknown {kind}", context)


def _dataset(name: str, info: ValidationInfo) -> str:
    if not info.context:
        return name
    return _judged("dataset", name, info.context.datasets, info.context.dataset_problem)


def _backbone(name: str, info: ValidationInfo) -> str:
    if not info.context:
        return name
    return _judged("backbone", name, info.context.backbones, info.context.backbone_problem)


def _judged(
    kind: str, name: str, names: Sequence[str], problem_of: Callable[[str], Problem | None] | None
) -> str:
    """Check a name that may be right without being listed."""
    if name in names:
        return name
    if problem_of is None:
        return _check(kind, name, names)
    problem = problem_of(name)
    if problem is None:
        return name
    context = {"message": problem.message, "allowed": problem.allowed, "nearest": problem.nearest}
    raise PydanticCustomError("unknown_name", "{message}", context)


def _sampler(name: str, info: ValidationInfo) -> str:
    return _check("sampler", name, info.context.samplers) if info.context else name


def _pruner(name: str, info: ValidationInfo) -> str:
    return _check("pruner", name, info.context.pruners) if info.context else name


def _prompt(name: str, info: ValidationInfo) -> str:
    return _check("prompt", name, info.context.prompts) if info.context else name


DatasetName = Annotated[str, AfterValidator(_dataset)]
BackboneName = Annotated[str, AfterValidator(_backbone)]
SamplerName = Annotated[str, AfterValidator(_sampler)]
PrunerName = Annotated[str, AfterValidator(_pruner)]
PromptName = Annotated[str, AfterValidator(_prompt)]
