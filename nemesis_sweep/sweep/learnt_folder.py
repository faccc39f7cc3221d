"""The folder of a prompt that a person means: by itself, or by the home of its sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.metrics import direction
from nemesis_sweep.spec.sweep import JOINT
from nemesis_sweep.sweep.best import best_trial
from nemesis_sweep.sweep.home.folder import home_at
from nemesis_sweep.sweep.recorded import RecordedStudy, recorded_studies, recorded_sweep
from nemesis_sweep.training.learnt import holds_learnt


@dataclass(frozen=True)
class Found:
    """A folder with a prompt or a reference, and what it is, in words."""

    folder: Path
    about: str


def learnt_folder(place: Path, task: str = "") -> Found:
    """The prompt in a folder, or the best one of the sweep in a home.

    task: of a sweep of several datasets, the name of one of its tasks; '' takes the best of all.
    Raises ``UserError`` for a folder with neither, for another task than the sweep's or one of a
    prompt alone, and where '' would
    choose between datasets.
    """
    if holds_learnt(place):
        if task:
            raise of_no_sweep(task)
        return Found(place, str(place))
    home = home_at(place)
    sweep = recorded_sweep(home)
    found = []
    for study in recorded_studies(sweep, home):
        best = best_trial(study.trials, sweep.search.directions)
        if best is not None:
            number, trial = best
            folders = [(each.key, each.dataset) for each in study.tasks]
            found += [(key, data, study, number, trial.values[0]) for key, data in folders]
    chosen = _chosen(found, task, sweep.search.objective[0])
    if chosen is None:
        message = "no trial that trains a prompt has completed in this sweep"
        raise UserError(Problem(message, key="--prompt", found=str(place)))
    key, _, study, number, value = chosen
    folder = home.trial(study.key, number)
    by = f"{sweep.search.objective[0]} ({value:.4g})"
    about = f"trial {number} of {key}, the best of sweep {sweep.name} by {by}"
    return Found(folder / key if study.key == JOINT else folder, about)


def of_no_sweep(task: str) -> UserError:
    """The error of a task beside a prompt that is not chosen from a sweep."""
    allowed = "a task of the sweep whose home --prompt is"
    return UserError(Problem("a prompt alone has no tasks", key="--task", found=task, allowed=allowed))


Best = tuple[str, str, RecordedStudy, str, float]
"""A task, its dataset, its study, the number of the best trial and its objective."""


def _chosen(found: Sequence[Best], task: str, objective: str) -> Best | None:
    names = [key for key, *_ in found]
    if task:
        if task not in names:
            near = nearest(task, names)
            raise UserError(
                Problem("no such task", key="--task", found=task, allowed=listed(names), nearest=near)
            )
        return found[names.index(task)]
    if len({data for _, data, *_ in found}) > 1:
        message = "this sweep has several datasets, each with classes of its own"
        raise UserError(Problem(message, key="--task", allowed=f"one of {listed(names)}"))
    sign = -1 if direction(objective) == "minimize" else 1
    return max(found, key=lambda each: sign * each[-1], default=None)
