"""The names that a sweep file may use, collected from the registries of all floors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nemesis_sweep.data.registry import check_name, dataset_names
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.nemesis.annealings.registry import refuse_no_annealing
from nemesis_sweep.prompts.registry import refuse_no_kind
from nemesis_sweep.spec.kinds import KINDS
from nemesis_sweep.spec.names import KnownNames
from nemesis_sweep.spec.pruners import PRUNERS
from nemesis_sweep.spec.samplers import SAMPLERS
from nemesis_sweep.sweep.pruners import registry as pruners
from nemesis_sweep.sweep.samplers import registry as samplers
from nemesis_sweep.vlm.configuration import (
    context_length,
    image_blocks,
    no_image_blocks,
    no_patches,
    several_features,
    stores_scale,
    text_blocks,
)
from nemesis_sweep.vlm.registry import backbone_names, find_backbone

CHECKS: dict[str, Callable[[str], object]] = {
    "prompts": refuse_no_kind,
    "annealings": refuse_no_annealing,
    "samplers": samplers.refuse_no_sampler,
    "pruners": pruners.refuse_no_pruner,
}
"""What refuses a part from outside that is not what it has to be."""


def known_names(beside: Path | None = None) -> KnownNames:
    """Return every name that is registered; nothing heavy is imported for it.

    beside: the folder of the sweep file, whose own folders are pointed out where their names alone are given.
    """
    return KnownNames(
        datasets=dataset_names(),
        backbones=backbone_names(),
        samplers=list(SAMPLERS),
        pruners=list(PRUNERS),
        prompts=list(KINDS),
        dataset_problem=lambda name: _problem(lambda each: check_name(each, beside), name),
        backbone_problem=lambda name: _problem(find_backbone, name),
        context_length=context_length,
        stores_scale=stores_scale,
        no_patches=no_patches,
        several_features=several_features,
        text_blocks=text_blocks,
        no_image_blocks=no_image_blocks,
        image_blocks=image_blocks,
        sampler_options=samplers.sampler_faults,
        pruner_options=pruners.pruner_faults,
        part_problem=lambda kind, name: _problem(CHECKS[kind], name),
    )


def _problem(check: Callable[[str], object], name: str) -> Problem | None:
    """Return what ``check`` has against a name."""
    try:
        check(name)
    except UserError as error:
        return error.problems[0]
    return None
