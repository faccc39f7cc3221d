"""Sections of a sweep file that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.dimensions import Choice, Dimension
from nemesis_sweep.spec.space import Place, always_searched


def conflict_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield everything that one section says against another."""
    yield from _fixed_and_searched(parts)
    yield from _searched_twice(parts)
    yield from _values_of_no_task(parts)
    yield from _class_contexts_cannot_transfer(parts)
    yield from _targets_and_their_protocol(parts)
    yield from _baselines_cannot_transfer(parts)
    yield from _nothing_to_search(parts)


def _fixed_and_searched(parts: CrossSection) -> Iterator[Fault]:
    searched = always_searched(parts.space)
    for path, layer in parts.method.all_layers():
        for name, value in layer.items():
            if name in searched:
                allowed = f"either a fixed {name} here or a dimension space.{name}"
                place, related = (*path, name), (("space", name),)
                yield Fault(place, "both fixed and searched", shown(value), allowed, related=related)


def _searched_twice(parts: CrossSection) -> Iterator[Fault]:
    first: dict[str, Place] = {}
    for place in parts.places:
        same = [dimension for name, dimension in place.visible if name == place.name]
        if len(same) > 1 or place.name in place.taken:
            allowed = "one dimension of a name, or one under each of several choices"
            yield Fault(place.path, "searched twice in one trial", "", allowed)
            continue
        before = first.setdefault(place.name, place)
        if not _one_kind(before.dimension, place.dimension):
            allowed = "under each choice the same choices, or ranges that are all log or all not"
            yield Fault(
                place.path,
                "differs in kind from its range under another choice",
                "",
                allowed,
                related=(before.path,),
            )


def _one_kind(one: Dimension, other: Dimension) -> bool:
    # Optuna refuses a categorical parameter whose choices change, and a switch between log and not.
    if isinstance(one, Choice) or isinstance(other, Choice):
        return isinstance(one, Choice) and isinstance(other, Choice) and one.choices == other.choices
    return one.log == other.log


def _values_of_no_task(parts: CrossSection) -> Iterator[Fault]:
    if parts.tasks is None:
        return
    datasets, shots = parts.tasks.dataset, parts.tasks.shots
    for dataset in parts.method.per_dataset:
        if dataset not in datasets and "tasks.dataset" not in parts.unsure:
            path: Path = ("method", "per_dataset", dataset)
            yield Fault(path, "no task uses this dataset", "", listed(datasets))
    for number in parts.method.per_shots:
        if number not in shots and "tasks.shots" not in parts.unsure:
            path = ("method", "per_shots", number)
            yield Fault(path, "no task has this number of shots", "", listed([str(each) for each in shots]))


def _class_contexts_cannot_transfer(parts: CrossSection) -> Iterator[Fault]:
    if parts.tasks is None or parts.tasks.protocol == "few_shot":
        return
    if not parts.unsure.isdisjoint({"csc", "tasks.protocol"}):
        return
    if True in parts.possible("csc"):
        allowed = "few_shot, or csc: false"
        message = "class-specific contexts (csc) cannot be tested on classes they were not trained on"
        related: tuple[Path, ...] = (("method", "csc"), ("space", "csc"))
        yield Fault(("tasks", "protocol"), message, shown(parts.tasks.protocol), allowed, related=related)


def _targets_and_their_protocol(parts: CrossSection) -> Iterator[Fault]:
    if parts.tasks is None or not parts.unsure.isdisjoint({"tasks.targets", "tasks.protocol"}):
        return
    wants = parts.tasks.protocol == "domain_generalization"
    if wants and not parts.tasks.targets:
        message = "domain generalisation needs datasets to test on"
        yield Fault(("tasks", "protocol"), message, shown(parts.tasks.protocol), "with tasks.targets")
    if parts.tasks.targets and not wants:
        allowed = "tasks.protocol: domain_generalization, or no targets"
        found = listed(parts.tasks.targets)
        yield Fault(("tasks", "targets"), "only domain generalisation has targets", found, allowed)
    for number, target in enumerate(parts.tasks.targets):
        if target in parts.tasks.dataset:
            path: Path = ("tasks", "targets", number)
            yield Fault(path, "trained on and tested on", shown(target), "datasets that no task trains on")


def _baselines_cannot_transfer(parts: CrossSection) -> Iterator[Fault]:
    if parts.tasks is None or parts.search is None or "tasks.protocol" in parts.unsure:
        return
    stuck = [name for name in parts.search.baselines if not BASELINES[name].transfers]
    for name in stuck if parts.tasks.protocol != "few_shot" else ():
        message = f"{name} cannot be tested on classes that it was not trained on"
        allowed = f"without {name}, or tasks.protocol: few_shot"
        related: tuple[Path, ...] = (("tasks", "protocol"),)
        yield Fault(("search", "baselines"), message, name, allowed, related=related)


def _nothing_to_search(parts: CrossSection) -> Iterator[Fault]:
    if parts.space or parts.search is None or parts.budget is None or "space" in parts.unsure:
        return
    if any(name.startswith(("space.", "search.points", "budget.trials")) for name in parts.unsure):
        return
    if parts.budget.trials > len(parts.search.points):
        message = f"nothing to search, but {counted(parts.budget.trials, 'trial')} to propose"
        yield Fault(("space",), message, "", "at least one dimension, or budget.trials: 0")
