"""Problems of data, with the key of the sweep file that names it."""

from __future__ import annotations

from dataclasses import replace

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.sweep import Sweep


def named_by(sweep: Sweep, name: str, error: UserError) -> UserError:
    """Return what is wrong with a dataset of a sweep; problems that name no place have the dataset's key."""
    key = next(
        f"tasks.{section}.{names.index(name)}"
        for section, names in (("dataset", sweep.tasks.dataset), ("targets", sweep.tasks.targets))
        if name in names
    )

    def named(problem: Problem) -> Problem:
        return problem if problem.file or problem.key else replace(problem, key=key)

    return UserError([named(problem) for problem in error.problems])
