"""The rows that every table starts with: zero-shot, plain CoOp and the paper's setting."""

from collections.abc import Sequence
from typing import Any

from nemesis_sweep.spec.baselines import BASELINES, CONTROL, CONTROLS, COOP, PAPER, PROMPTLESS
from nemesis_sweep.spec.choices import RESCALE
from nemesis_sweep.spec.configuration import configuration, method_values
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.dimensions import Choice
from nemesis_sweep.spec.kinds import is_row
from nemesis_sweep.spec.losses import MIX, loss_of
from nemesis_sweep.spec.method import PENALTY_FIELDS, Method
from nemesis_sweep.spec.space import searched_names
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.space.planned import epochs_of, keeps
from nemesis_sweep.sweep.space.proposals import within

PLAIN = "coop"
"""The kind of prompt that the row `coop` trains, whatever the sweep does."""

PAPER_SETTING: dict[str, Any] = {
    "prompt": PLAIN,
    "prograd": 0.0,
    "omega": 10.0,
    "beta": 1.0,
    "corruption": 0.5,
    "corrupt_by": RESCALE,
    "n_positions": 1,
    "n_ctx": 16,
    "norm": "2",
    "anneal": "logistic",
    "selection": "accuracy",
}
"""The public code's defaults (one position a step, 16 vectors, logistic) with omega 10, which the paper
reports for both losses, the middle of the paper's range for the factor (0 to 1), and PUN, which has fewer
settings, where both losses are searched."""

EXCEPTIONS = ("food101", "oxford_pets")
EXCEPTION: dict[str, Any] = {"anneal": "constant", "omega": 50.0}
"""What the public code forces for these datasets, by their names: no annealing, and PAN's strength."""


def baseline_method(sweep: Sweep, task: Task, baseline: str) -> Method:
    """What a baseline trains: the sweep's fixed values, and published ones for what it searches."""
    searched = searched_names(sweep.space)
    published = {name: value for name, value in PAPER_SETTING.items() if name in searched or name == "omega"}
    if baseline == PAPER:
        method = configuration(sweep, task, published | _positions(sweep, task, published))
        return method.model_copy(update=_exception(task, method, published))
    # Plain CoOp has no penalty, and PAN's settings have no meaning without one: its vectors may be fewer than
    # positions that were meant for another kind. Rows without a prompt need none of another kind either.
    own = {"prompt": PLAIN, "prograd": 0.0, "omega": 0.0, "n_positions": 1, **BASELINES[baseline].fixed}
    return configuration(sweep, task, ({"n_ctx": 16} if "n_ctx" in searched else {}) | own)


def _positions(sweep: Sweep, task: Task, published: Values) -> dict[str, Any]:
    """No more positions than plain CoOp has vectors, where they were fixed for a kind that has more."""
    if published.get("prompt") != PLAIN:
        return {}
    values = method_values(sweep, task, published)
    words = values["words"]
    vectors = values["n_ctx"] if words is None else len(words.replace("_", " ").split())
    return {"n_positions": vectors} if values["n_positions"] > vectors else {}


def _exception(task: Task, method: Method, published: dict[str, Any]) -> dict[str, Any]:
    """What the public code has in the place of ``published`` for the task's dataset."""
    if task.dataset not in EXCEPTIONS:
        return {}
    names = published if method.beta < 1 else set(published) - {"omega"}
    return {name: value for name, value in EXCEPTION.items() if name in names}


def paper_point(sweep: Sweep, tasks: Sequence[Task]) -> dict[str, Any] | None:
    """The paper's setting as a point of the space; None where it lies outside or breaks a constraint.

    It has to be the same point for all tasks of a study, whatever the datasets' own fixed values are.
    """
    points = [within(sweep.space, baseline_method(sweep, task, PAPER).model_dump()) for task in tasks]
    if points[0] is None or any(point != points[0] for point in points):
        return None
    return points[0] if keeps(sweep, tasks, points[0]) else None


def outside_the_space(sweep: Sweep, tasks: Sequence[Task]) -> list[str]:
    """The baselines that cannot be points of the space and are run beside it."""
    beside: list[str] = [name for name in (*PROMPTLESS, COOP) if name in sweep.search.baselines]
    if PAPER in sweep.search.baselines and paper_point(sweep, tasks) is None and _has_paper(sweep, tasks):
        beside.append(PAPER)
    return beside


def _has_paper(sweep: Sweep, tasks: Sequence[Task]) -> bool:
    """Whether the paper's setting, of the kind that is fixed, trains a prompt."""
    return not any(is_row(baseline_method(sweep, task, PAPER).prompt) for task in tasks)


def most_confirmations(sweep: Sweep) -> int:
    """How many confirmations a study can want that is not extended: plain CoOp may be among the best."""
    return 0 if sweep.search.confirm is None else sweep.search.confirm.top + 1


def most_controls(sweep: Sweep) -> int:
    """How many controls a study can need: none where only the penalty sets its best apart from plain CoOp."""
    wanted = {CONTROL, CONTROLS} & set(sweep.search.baselines)
    parts = CrossSection(sweep.method, sweep.space, sweep.tasks)
    kinds = {kind for kind in parts.possible("prompt") if not is_row(kind)}
    if (
        not wanted
        or not kinds
        or (kinds == {PLAIN} and not set(searched_names(sweep.space)) - PENALTY_FIELDS)
    ):
        return 0
    if CONTROLS not in wanted:
        return 1
    losses = {loss_of({"beta": beta}) for beta in parts.possible("beta")}
    if any(place.name == "beta" and not isinstance(place.dimension, Choice) for place in parts.places):
        losses.add(MIX)
    return len(kinds) * len(losses)


def most_epochs(sweep: Sweep, task: Task) -> int:
    """How many epochs a trial of the task can have, whatever is searched, baselines included."""
    return max(baseline_method(sweep, task, PAPER).epochs, *epochs_of(sweep, task))
