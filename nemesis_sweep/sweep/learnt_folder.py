"""The folder of a prompt that a person means: by itself, or by the home of its sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.metrics import direction
from nemesis_sweep.spec.sweep import JOINT, Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.best import best_trial
from nemesis_sweep.sweep.home.folder import Home, home_at
from nemesis_sweep.sweep.home.no_sweep import home_meant
from nemesis_sweep.sweep.recorded import RecordedStudy, recorded_studies, recorded_sweep
from nemesis_sweep.sweep.status import status_of
from nemesis_sweep.training.learnt import holds_learnt


@dataclass(frozen=True)
class Found:
    """A folder with a prompt or a reference, and what it is, in words.

    home, task: of the sweep that it is the best of; None of a prompt alone.
    """

    folder: Path
    about: str
    home: Path | None = None
    task: Task | None = None


def learnt_folder(place: Path, task: str = "") -> Found:
    """The prompt in a folder, or the best one of the sweep in a home.

    task: of a sweep of several datasets, the name of one of its tasks; '' takes the best of all.
    Raises ``UserError`` for a folder with neither, for another task than the sweep's, for one of a prompt
    alone, and where '' would choose between datasets.
    """
    if holds_learnt(place):
        if task:
            raise of_no_sweep(task)
        return Found(place, str(place))
    home = home_at(place)
    if not home.is_ours and not home.sweep_file.exists():
        raise _neither(place)
    sweep = recorded_sweep(home)
    found = []
    studies = recorded_studies(sweep, home)
    for study in studies:
        best = best_trial(study.trials, sweep.search.directions)
        if best is not None:
            number, trial = best
            found += [(each, study, number, trial.values[0]) for each in study.tasks]
    chosen = _chosen(found, task, sweep.search.objective[0])
    if chosen is None:
        message = "no trial that trains a prompt has completed in this sweep"
        raise UserError(Problem(message, key="PROMPT", found=str(place)))
    of, study, number, value = chosen
    key, folder = of.key, home.trial(study.key, number)
    by = f"{sweep.search.objective[0]} ({value:.4g})"
    so_far, runs = (" so far", ", which still runs,") if _goes_on(sweep, studies, home) else ("", "")
    about = f"trial {number} of {key}, the best{so_far} of sweep {sweep.name}{runs} by {by}"
    return Found(folder / key if study.key == JOINT else folder, about, home.path, of)


def _neither(place: Path) -> UserError:
    """The error of a place with nothing that was learnt."""
    message = "neither a sweep nor a prompt is here" if place.exists() else "no such folder"
    allowed = "a sweep's home, or a folder with a prompt"
    found = str(place)
    return UserError(Problem(message, key="PROMPT", found=found, allowed=allowed, nearest=home_meant(place)))


def _goes_on(sweep: Sweep, studies: Sequence[RecordedStudy], home: Home) -> bool:
    """Whether a run is at work in the home and has trials to come."""
    try:
        status = status_of(sweep, studies, home)
    except UserError:  # One is, and does not say which.
        return True
    return status.driver is not None and not status.is_done


def of_no_sweep(task: str) -> UserError:
    """The error of a task beside a prompt that is not chosen from a sweep."""
    allowed = "the home of a sweep in its place, with --task"
    return UserError(Problem("a prompt alone has no tasks", key="--task", found=task, allowed=allowed))


Best = tuple[Task, RecordedStudy, str, float]
"""A task, its study, the number of the best trial and its objective."""


def _chosen(found: Sequence[Best], task: str, objective: str) -> Best | None:
    names = [each.key for each, *_ in found]
    if task:
        if task not in names:
            near = nearest(task, names)
            raise UserError(
                Problem("no such task", key="--task", found=task, allowed=listed(names), nearest=near)
            )
        return found[names.index(task)]
    if len({each.dataset for each, *_ in found}) > 1:
        message = "this sweep has several datasets, each with classes of its own"
        raise UserError(Problem(message, key="--task", allowed=f"one of {listed(names)}"))
    sign = -1 if direction(objective) == "minimize" else 1
    return max(found, key=lambda each: sign * each[-1], default=None)
