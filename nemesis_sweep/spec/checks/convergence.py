"""`budget.until: converged`: when a search is asked, and where that makes no sense, told before it runs."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.samplers import SAMPLERS, sampler_of

STARTUP, EVERY, SHARE = 20, 5, 10
"""Trials that are complete when it is asked for the first time, those until it is asked again, or that part
of all that are complete, if it is more: a process is fitted every time."""
UNTIL: Path = ("budget", "until")
OBJECTIVE: tuple[Path, ...] = (("search", "objective"),)


def convergence_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield every reason why nobody could say that a search of this sweep has converged."""
    search, budget, unsure = parts.search, parts.budget, parts.unsure
    if search is None or budget is None or budget.until is None:
        return
    if unsure.isdisjoint({"search.objective"}):
        if len(search.objective) > 1:
            message = "of several objectives none is the one to converge"
            yield Fault(UNTIL, message, listed(search.objective), "one objective", related=OBJECTIVE)
        elif search.objective[0] == "seconds":
            message = "seconds has no value for each replicate"
            yield Fault(UNTIL, message, "", "an accuracy, a loss or a norm", related=OBJECTIVE)
    if "search.sampler" not in unsure and sampler_of(search.sampler).finite:
        others = listed([name for name, sampler in SAMPLERS.items() if not sampler.finite])
        message = f"{search.sampler} tries every point, whatever came of the others"
        yield Fault(UNTIL, message, shown(budget.until), others, related=(("search", "sampler"),))
    if parts.tasks is not None and parts.tasks.replicates < 2:
        related = (("tasks", "replicates"), ("tasks", "seeds"))
        yield Fault(
            UNTIL, "one replicate has no error", shown(budget.until), "at least 2 replicates", related=related
        )
    if not parts.space and "space" not in unsure:
        yield Fault(UNTIL, "nothing is searched that could converge", "", "at least one dimension in space")
