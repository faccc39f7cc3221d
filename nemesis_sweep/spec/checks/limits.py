"""What a sampler or a pruner cannot do, told before anything is run."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.draw import is_finite, size
from nemesis_sweep.spec.pruners import innermost, pruner_of
from nemesis_sweep.spec.samplers import able, sampler_of
from nemesis_sweep.spec.search import Search

LARGEST_GRID = 100_000
"""Points that are listed one by one."""


def limit_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield every demand that the named sampler or pruner cannot meet."""
    search = parts.search
    if search is None or not parts.unsure.isdisjoint({"search.objective", "search.pruner", "search.sampler"}):
        return
    yield from _pruner(search)
    yield from _sampler(search)
    yield from _replicates(parts, search)
    if sampler_of(search.sampler).finite and "space" not in parts.unsure:
        yield from _finite(parts, search.sampler)


def _pruner(search: Search) -> Iterator[Fault]:
    if not pruner_of(search.pruner).stops:
        return
    path: Path = ("search", "pruner")
    related = (("search", "objective"),)
    at_end = [metric for metric in search.objective if metric.startswith("test/")]
    if len(search.objective) > 1:
        message = "a trial that is poor by one of several objectives may still be the best by another"
        yield Fault(path, message, shown(search.pruner), "none", related=related)
    elif at_end:
        message = f"{at_end[0]} is measured only at the end of a trial, so nothing can be pruned by it"
        yield Fault(path, message, shown(search.pruner), "none", related=related)


def _sampler(search: Search) -> Iterator[Fault]:
    sampler = sampler_of(search.sampler)
    path: Path = ("search", "sampler")
    if len(search.objective) > 1 and not sampler.several_objectives:
        allowed = f"{listed(able('several_objectives'))}, or one objective"
        related = (("search", "objective"),)
        yield Fault(
            path, "cannot search for several objectives", shown(search.sampler), allowed, related=related
        )
    if any(condition.metrics for condition in search.conditions) and not sampler.metric_constraints:
        allowed = f"{listed(able('metric_constraints'))}, or constraints over parameters alone"
        related = (("search", "constraints"),)
        yield Fault(path, "ignores constraints over metrics", shown(search.sampler), allowed, related=related)


def _replicates(parts: CrossSection, search: Search) -> Iterator[Fault]:
    """So few replicates that those of two trials cannot differ by more than chance."""
    name = innermost(search.pruner, search.pruner_options)
    if parts.tasks is None:
        return
    needed, replicates = pruner_of(name).replicates(search.pruner_options), parts.tasks.replicates
    if replicates < needed:
        message = f"cannot stop a trial of {counted(replicates, 'replicate')}: so few may differ by chance"
        allowed = f"at least {needed} replicates"
        related = (("tasks", "replicates"), ("tasks", "seeds"))
        yield Fault(("search", "pruner"), message, name, allowed, related=related)


def _finite(parts: CrossSection, sampler: str) -> Iterator[Fault]:
    endless = [place for place in parts.places if not is_finite(place.dimension)]
    for place in endless:
        allowed = "a step, whole numbers or choices; or another sampler"
        related = (("search", "sampler"),)
        yield Fault(place.path, f"{sampler} needs finitely many values", "", allowed, related=related)
    count = size(parts.space)
    if not endless and count is not None and count > LARGEST_GRID:
        allowed = f"at most {LARGEST_GRID} points, or another sampler"
        found = f"{count} points" if count < 10**12 else "far more"
        yield Fault(
            ("search", "sampler"), f"too many points for {sampler}", found, allowed, related=(("space",),)
        )
