"""Whether trials of two versions of a sweep file may stand in one study, and what changed between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nemesis_sweep.messages.faults import Path, dotted, shown
from nemesis_sweep.spec.dump import resolved
from nemesis_sweep.spec.outside.kept import changed_modules
from nemesis_sweep.spec.sweep import Sweep

ABSENT = object()
TASK_NAMES = ("backbone", "dataset", "shots", "protocol")
CONFIRM = ("search", "confirm")


def comparable(sweep: Sweep) -> dict[str, Any]:
    """Return the parts of a sweep that decide what a trial's objective means.

    Validation images change what the objective means, and targets what the test accuracy does; a factor on
    cosines changes the loss. Datasets, shots, backbones and protocol are left out where they name the study;
    a joint study is judged by the mean over all of them. Confirmations are compared with one another, so
    their number of seeds stays, and so are corrupted prompts. Left out are sampler, pruner, points and
    baselines, which decide what is tried but not what comes of it, the storage, which the home itself looks
    after, and budget, resources and tracking.
    """
    data = resolved(sweep)
    names = ("objective", "constraints", "study", "eval_every", "corrupt")
    search = {key: data["search"][key] for key in names}
    if data["search"]["confirm"] is not None:
        search["confirm"] = {"seeds": data["search"]["confirm"]["seeds"]}
    own = TASK_NAMES if search["study"] == "joint" else ()
    tasks = {key: data["tasks"][key] for key in ("seeds", "logit_scale", "val_shots", "targets", *own)}
    return {"tasks": tasks, "method": data["method"], "space": data["space"], "search": search}


def diff(old: Sweep, new: Sweep, *, comparable_only: bool = False) -> list[str]:
    """Return one line per changed key, such as `space.omega.low: 0.1 -> 0.5`, in the order of the file.

    comparable_only: leave out changes that keep trials comparable (more trials, other resources).
    """
    parts = comparable if comparable_only else resolved
    idle = _idle(old, new) if comparable_only else set()
    code = changed_modules(old.modules, new.modules) if comparable_only else []
    return code + [
        f"{dotted(path)}: {_side(before)} -> {_side(after)}"
        for path, before, after in _changes(parts(old), parts(new), ())
        # Tasks that count for one of them only, since it is joint and the other is not, have not changed; and
        # confirmations may be wanted later, or no longer.
        if not (ABSENT in (before, after) and (path[0] == "tasks" or path[:2] == CONFIRM))
        and path[:3] not in idle
    ]


def _idle(old: Sweep, new: Sweep) -> set[Path]:
    """Return the entries of `method` that speak of tasks that only one of the sweeps has.

    The sweeps share no study of such a task; a joint study has all tasks, and they are compared themselves.
    """
    datasets = set(old.tasks.dataset) ^ set(new.tasks.dataset)
    shots = set(old.tasks.shots) ^ set(new.tasks.shots)
    return {("method", "per_dataset", each) for each in datasets} | {
        ("method", "per_shots", each) for each in shots
    }


def growth(old: Sweep, new: Sweep) -> list[str]:
    """Return one line per way in which the new sweep is larger: more trials, hours or tasks, another end."""
    before, after = old.budget, new.budget
    lines = []
    if after.trials > before.trials:
        lines.append(f"budget.trials: {before.trials} -> {after.trials}")
    if before.until is not None and after.until is None:
        lines.append(f"budget.until: {shown(before.until)} -> {shown(after.until)}")
    if before.hours is not None and (after.hours is None or after.hours > before.hours):
        lines.append(f"budget.hours: {shown(before.hours)} -> {shown(after.hours)}")
    known = {task.identity for task in old.task_list()}
    lines += [f"new task: {task.key}" for task in new.task_list() if task.identity not in known]
    return lines


def _changes(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _changes(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif old != new:
        yield path, old, new


def _side(value: Any) -> str:
    return "(absent)" if value is ABSENT else shown(value)
