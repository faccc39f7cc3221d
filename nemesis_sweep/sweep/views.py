"""The views of a sweep in MLflow: all trials, the best of every study, and each study by itself."""

from __future__ import annotations

from collections.abc import Sequence

from nemesis_sweep.spec.metrics import direction
from nemesis_sweep.spec.space import places
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.logged import LOG_OMEGA, varied
from nemesis_sweep.tracking.views import View

TEST = "test/accuracy"


def views_of(sweep: Sweep) -> list[View]:
    """The views, first that of all trials, then that of the best, then one of each study where several are.

    Axes are the searched dimensions, those that only some trials draw are no axes; of omega its logarithm is.
    """
    objectives = sweep.search.objective
    metrics = list(dict.fromkeys((*objectives, TEST)))
    names = varied(sweep)
    searched = list(dict.fromkeys(place.name for place in places(sweep.space)))
    whose = [name for name in names if name not in searched]
    maximize = direction(objectives[0]) == "maximize"

    def view(key: str, title: str, others: Sequence[str], study: str = "", best: bool = False) -> View:
        params = [*others, *_with_log_omega(searched)]
        axes = [LOG_OMEGA if name == "omega" else name for name in (*others, *searched) if name in names]
        return View(key, title, objectives[0], maximize, params, metrics, axes, study, best)

    studies = list(sweep.studies())
    best = "The best trial" if len(studies) == 1 else "The best trial of every task"
    found = [view("all", "All trials", whose), view("best", best, whose, best=True)]
    if len(studies) > 1:
        found += [view(study, study, (), study) for study in studies]
    return found


def _with_log_omega(names: Sequence[str]) -> list[str]:
    return [each for name in names for each in ((name, LOG_OMEGA) if name == "omega" else (name,))]
