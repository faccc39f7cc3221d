"""What a sampler or a pruner cannot do, told before anything is run."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.spec.counting import counted
from nemesis_sweep.spec.draw import is_finite, size
from nemesis_sweep.spec.faults import Fault, Path, shown
from nemesis_sweep.spec.search import Search
from nemesis_sweep.spec.together import Together

GRID = "grid"
LARGEST_GRID = 100_000
OBJECTIVE_ONLY = ("cmaes",)
"""Samplers that learn from one objective and from nothing else; a test asks Optuna whether this is true."""


def limit_faults(parts: Together) -> Iterator[Fault]:
    """Yield every demand that the named sampler or pruner cannot meet."""
    search = parts.search
    if search is None or not parts.unsure.isdisjoint({"search.objective", "search.pruner", "search.sampler"}):
        return
    yield from _pruner(search)
    yield from _sampler(search)
    yield from _replicates(parts, search)
    if search.sampler == GRID and "space" not in parts.unsure:
        yield from _grid(parts)


def _pruner(search: Search) -> Iterator[Fault]:
    if search.pruner == "none":
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
    if search.sampler not in OBJECTIVE_ONLY:
        return
    path: Path = ("search", "sampler")
    if len(search.objective) > 1:
        allowed = "tpe, gp, nsga2, qmc, random or grid, or one objective"
        related = (("search", "objective"),)
        yield Fault(
            path, "cannot search for several objectives", shown(search.sampler), allowed, related=related
        )
    if any(condition.metrics for condition in search.conditions):
        allowed = "tpe, gp, nsga2, qmc, random or grid, or constraints over parameters alone"
        related = (("search", "constraints"),)
        yield Fault(path, "ignores constraints over metrics", shown(search.sampler), allowed, related=related)


def _replicates(parts: Together, search: Search) -> Iterator[Fault]:
    """The signed-rank test of n pairs never gives less than 2^-n."""
    inside = search.pruner_options.get("pruner") if search.pruner == "patient" else search.pruner
    threshold = search.pruner_options.get("p_threshold", 0.1) if search.pruner == "wilcoxon" else 0.1
    if inside != "wilcoxon" or parts.tasks is None or not isinstance(threshold, int | float):
        return
    replicates = parts.tasks.replicates
    if 0.5**replicates >= threshold > 0:
        message = (
            f"a Wilcoxon test of {counted(replicates, 'replicate')} cannot fall below "
            f"p = {0.5**replicates:.3g}, so it never prunes at p_threshold {threshold:g}"
        )
        needed = next(count for count in range(1, 1100) if 0.5**count < threshold)
        related = (("tasks", "replicates"), ("tasks", "seeds"))
        yield Fault(
            ("search", "pruner"), message, "wilcoxon", f"at least {needed} replicates", related=related
        )


def _grid(parts: Together) -> Iterator[Fault]:
    endless = [place for place in parts.places if not is_finite(place.dimension)]
    for place in endless:
        allowed = "a step, whole numbers or choices; or another sampler"
        related = (("search", "sampler"),)
        yield Fault(place.path, "a grid needs finitely many values", "", allowed, related=related)
    count = size(parts.space)
    if not endless and count is not None and count > LARGEST_GRID:
        allowed = f"at most {LARGEST_GRID} points, or another sampler"
        found = f"{count} points" if count < 10**12 else "far more"
        yield Fault(("search", "sampler"), "the grid is too large", found, allowed, related=(("space",),))
