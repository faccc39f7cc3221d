"""Names that a sweep file may use, and the field types that check them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from nemesis_sweep.messages.errors import Problem, nearest
from nemesis_sweep.messages.faults import Fault, listed
from nemesis_sweep.spec.choices import ANNEALINGS
from nemesis_sweep.spec.outside.reference import FORM, outside, short_names
from nemesis_sweep.spec.pruners import PRUNERS
from nemesis_sweep.spec.samplers import SAMPLERS
from nemesis_sweep.spec.values import Values

if TYPE_CHECKING:
    from nemesis_sweep.spec.method import Method

OptionCheck = Callable[[str, Values], Sequence[Fault]]


@dataclass(frozen=True)
class KnownNames:
    """What the registries hold, as plain names.

    dataset_problem, backbone_problem: tell what is wrong with a dataset or a backbone that is not listed
    (paths and `name@pretrained` may be right), None if nothing is. context_length: tokens in a text of a
    backbone, None where that is not known before its weights are. stores_scale: whether a backbone's weights
    have a factor on cosines. no_patches: why a backbone has no features of the parts of an image, '' if it
    has or if that is not known. several_features: why an image has several features of a backbone, '' if it
    has one or if that is not known. text_blocks: blocks of a backbone's text tower that take vectors between
    them, None where that is not known. no_image_blocks, image_blocks: the same of its image tower, why there
    are none and how many. sampler_options, pruner_options: tell what is wrong with the options of a sampler
    or pruner, from its name and the options; called only for files that set options. part_problem: tells
    what is wrong with a part from outside, from its kind (`samplers`, ...) and its name.
    """

    datasets: Sequence[str] = ()
    backbones: Sequence[str] = ()
    samplers: Sequence[str] = ()
    pruners: Sequence[str] = ()
    prompts: Sequence[str] = ()
    dataset_problem: Callable[[str], Problem | None] | None = None
    backbone_problem: Callable[[str], Problem | None] | None = None
    context_length: Callable[[str], int | None] | None = None
    stores_scale: Callable[[str], bool] | None = None
    no_patches: Callable[[str], str] | None = None
    several_features: Callable[[str], str] | None = None
    text_blocks: Callable[[str], int | None] | None = None
    no_image_blocks: Callable[[str], str] | None = None
    image_blocks: Callable[[str], int | None] | None = None
    sampler_options: OptionCheck | None = None
    pruner_options: OptionCheck | None = None
    part_problem: Callable[[str, str], Problem | None] | None = None


@dataclass(frozen=True)
class Reading:
    """What a sweep file is read with; passed to pydantic as the validation context.

    known: the names that may be used; None checks no names. method: the class of its methods, with the fields
    of the prompts that it has from outside. places: the dotted paths of the keys of all sections.
    checked: whether the parts have been read and looked at before, so that nothing has to be done twice.
    """

    known: KnownNames | None
    method: type[Method]
    places: Mapping[str, str] = field(default_factory=dict)
    checked: bool = False


def known_in(info: ValidationInfo) -> KnownNames | None:
    """The names that may be used, where any are checked."""
    return info.context.known if info.context else None


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


def _check(kind: str, name: str, names: Sequence[str], *forms: str) -> str:
    """Check a name that has to be listed. forms: what else there may be in its place."""
    if name in names:
        return name
    context = {"kind": kind, "allowed": listed([*names, *forms]), "nearest": meant_name(name, names)}
    raise PydanticCustomError("unknown_name", "unknown {kind}", context)


def _part(kind: str, name: str, names: Sequence[str], known: KnownNames) -> str:
    """Check the name of a part that may be from outside; `kind` is one of them."""
    group = f"{kind}s"
    if name in names:
        return name
    if not outside(name, group):
        return _check(kind, name, [*names, *short_names(group)], FORM)
    problem = known.part_problem(group, name) if known.part_problem else None
    if problem is None:
        return name
    raise _told(problem)


def _told(problem: Problem) -> PydanticCustomError:
    context = {"message": problem.message, "allowed": problem.allowed, "nearest": problem.nearest}
    return PydanticCustomError("unknown_name", "{message}", context)


def _dataset(name: str, info: ValidationInfo) -> str:
    known = known_in(info)
    return name if known is None else _judged("dataset", name, known.datasets, known.dataset_problem)


def _backbone(name: str, info: ValidationInfo) -> str:
    known = known_in(info)
    return name if known is None else _judged("backbone", name, known.backbones, known.backbone_problem)


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
    raise _told(problem)


def _sampler(name: str, info: ValidationInfo) -> str:
    known = known_in(info)
    return name if known is None else _part("sampler", name, known.samplers, known)


def _pruner(name: str, info: ValidationInfo) -> str:
    known = known_in(info)
    return name if known is None else _part("pruner", name, known.pruners, known)


def _prompt(name: str, info: ValidationInfo) -> str:
    known = known_in(info)
    # What is wrong with one from outside is told before any section is read: its fields decide what is valid.
    if known is None or name in known.prompts or outside(name, "prompts"):
        return name
    return _check("prompt", name, [*known.prompts, *short_names("prompts")], FORM)


def _annealing(name: str, info: ValidationInfo) -> str:
    return _part("annealing", name, list(ANNEALINGS), known_in(info) or KnownNames())


DatasetName = Annotated[str, AfterValidator(_dataset)]
BackboneName = Annotated[str, AfterValidator(_backbone)]
SamplerName = Annotated[str, AfterValidator(_sampler)]
PrunerName = Annotated[str, AfterValidator(_pruner)]
PromptName = Annotated[str, AfterValidator(_prompt)]
AnnealingName = Annotated[str, AfterValidator(_annealing), WithJsonSchema({"enum": [*ANNEALINGS, FORM]})]
