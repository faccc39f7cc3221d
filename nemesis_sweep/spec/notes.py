"""What is valid in a sweep file and still hardly meant: told, and no reason to refuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.baselines import CONTROL, CONTROLS, COOP
from nemesis_sweep.spec.checks.idle_dimensions import NEEDS
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.dimensions import Choice, Dimension, Scalar
from nemesis_sweep.spec.draw import size
from nemesis_sweep.spec.reads import PATCHES
from nemesis_sweep.spec.space import places
from nemesis_sweep.spec.sweep import Sweep


def notes(sweep: Sweep, untrained_patches: Callable[[str], bool] | None = None) -> Iterator[Fault]:
    """Yield dimensions of one value, a budget larger than the space, more confirmations than trials,
    objectives measured on test, kinds of prompts without a control, a template or a corruption that nothing
    looks at, and backbones whose features of parts mean little.

    untrained_patches: whether a backbone's were never compared with texts; None where that is not asked.
    """
    for place in places(sweep.space):
        only = _only_value(place.dimension)
        # Under a choice it is what that choice has: elsewhere it may be something else.
        if len(only) == 1 and not place.taken:
            allowed = f"several values, or method.{place.name}: {shown(only[0])}"
            yield Fault(place.path, "one value, so nothing is searched", shown(only[0]), allowed)
    count = size(sweep.space)
    if sweep.space and count is not None and count < sweep.budget.trials:
        message = f"the space has {counted(count, 'point')}; a study ends when every one was tried"
        yield Fault(("budget", "trials"), message, shown(sweep.budget.trials), related=(("space",),))
    tried = sweep.budget.trials if count is None else min(count, sweep.budget.trials)
    if (confirm := sweep.search.confirm) and confirm.top > tried:
        message = f"more settings than a study tries: {counted(tried, 'trial')}"
        related: tuple[Path, ...] = (("budget", "trials"), ("space",))
        yield Fault(
            ("search", "confirm", "top"), message, shown(confirm.top), f"at most {tried}", related=related
        )
    if on_test := [name for name in sweep.search.objective if name.startswith("test/")]:
        message = "the best is selected on test, which flatters it; every table says so"
        yield Fault(("search", "objective"), message, shown(on_test[0]), "val/accuracy or val/loss")

    yield from _never_without_penalty(sweep)
    yield from _idle_values(sweep, "anchor_template")
    yield from _idle_values(sweep, "corrupt_by")
    if untrained_patches is not None:
        yield from _untrained(sweep, untrained_patches)


def _never_without_penalty(sweep: Sweep) -> Iterator[Fault]:
    """Yield kinds of prompts that no trial trains without the penalty: plain CoOp is of another kind."""
    parts = CrossSection(sweep.method, sweep.space)
    table = sweep.method.kinds
    kinds = [each for each in dict.fromkeys(parts.possible("prompt")) if each != COOP and table[each].trains]
    beside = sweep.search.baselines
    if kinds and 0 not in parts.possible("omega") and {CONTROL, CONTROLS}.isdisjoint(beside):
        message = f"no trial trains {listed(kinds)} without the penalty, so nothing tells what it adds"
        allowed = f"also {CONTROLS}, or 0 among the choices of omega"
        yield Fault(("search", "baselines"), message, listed(list(beside)), allowed)


def _idle_values(sweep: Sweep, name: str) -> Iterator[Fault]:
    """Yield where a field is fixed at something else than its default, and no trial looks at it."""
    parts = CrossSection(sweep.method, sweep.space)
    usual = parts.method.method_fields()[name].default
    for path, layer in parts.method.all_layers() if name not in parts.always else ():
        for need in NEEDS[name] if layer.get(name, usual) != usual else ():
            pairs = product(parts.possible(need.name), parts.possible("prompt"))
            if not any(need.is_met(value, kind, parts.method.kinds) for value, kind in pairs):
                yield Fault((*path, name), f"{name} changes nothing, as {need.why}", "", need.allowed)


def _untrained(sweep: Sweep, untrained_patches: Callable[[str], bool]) -> Iterator[Fault]:
    possible = CrossSection(sweep.method, sweep.space).possible("prompt")
    table = sweep.method.kinds
    kinds = [kind for kind in dict.fromkeys(possible) if kind in table and table[kind].reads == PATCHES]
    for name in sweep.tasks.backbone if kinds else ():
        if untrained_patches(name):
            message = f"{listed(kinds)} reads the patches of this ViT, which were never compared with texts"
            yield Fault(("tasks", "backbone"), message, shown(name), "a ResNet of CLIP's, such as RN50")


def _only_value(dimension: Dimension) -> list[Scalar]:
    """Return the value of a dimension that has no other and opens none, in a list."""
    if isinstance(dimension, Choice):
        return [] if any(dimension.opens) else dimension.choices
    low, high = dimension.bounds
    return [low] if low == high else []
