"""What `validate` and `plan` see of data of the user's own, for which a run would refuse it or say a word."""

from __future__ import annotations

from nemesis_sweep.data.episodes import nothing_to_learn
from nemesis_sweep.data.own.glance import glance
from nemesis_sweep.data.registry import is_path, missing_data, own_data
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.spec.named_data import named_by
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.fitting import refuse_long_names


def look_at_data(sweep: Sweep, exactly: bool = True) -> list[str]:
    """Lines on data that is there: what it holds, and what a person should know of it.

    exactly: whether the tokens of class names are counted or estimated, as in ``refuse_long_names``.
    Raises ``UserError`` with everything for which a run would refuse it, as far as a short look finds it.
    """
    lines: list[str] = []
    names: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for name in dict.fromkeys((*sweep.tasks.dataset, *sweep.tasks.targets)):
        try:
            path = own_data(name, sweep.tasks.root)
            if path is None:
                missing = missing_data(name, sweep.tasks.root) if is_path(name) else ""
                lines += [f"no data yet for {name}: {missing}"] * bool(missing)
                continue
            seen = glance(name, path)
        except UserError as error:
            problems += named_by(sweep, name, error).problems
            continue
        names[name] = seen.classnames
        if name in sweep.tasks.dataset and not seen.to_learn:
            problems.append(nothing_to_learn(name))
        lines += [printable(f"{name}: {seen.counts}")] if seen.counts else []
        lines += [printable(f"note: {name}: {note}") for note in seen.notes]
    if problems:
        raise UserError(problems)
    refuse_long_names(sweep, sweep.task_list(), names, exactly)
    return lines
