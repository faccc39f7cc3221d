"""What `validate` and `plan` see of data: what is not there, and for what a run would refuse it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from nemesis_sweep.data.episodes import nothing_to_learn
from nemesis_sweep.data.fetch import fetchable_names
from nemesis_sweep.data.own.glance import glance
from nemesis_sweep.data.own.torchvision_names import PREFIX
from nemesis_sweep.data.registry import missing_data, own_data
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.spec.named_data import named_by
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.fitting import refuse_long_names


def missing_lines(sweep: Sweep) -> Iterator[str]:
    """A line for every dataset that is not there, with the commands that look for it and download it."""
    root = [] if sweep.tasks.root is None else ["--root", sweep.tasks.root]
    for name in dict.fromkeys((*sweep.tasks.dataset, *sweep.tasks.targets)):
        check, fetch = (
            shlex.join(["nemesis-sweep", "datasets", verb, name, *root]) for verb in ("check", "fetch")
        )
        if missing := missing_data(name, sweep.tasks.root):
            download = f"`{fetch}` downloads it, " if name in fetchable_names() else ""
            look = f"({download}`{check}` shows what is looked for)"
            yield printable(f"no data yet for {name}: {missing} {look}")
        elif name.startswith(PREFIX):
            look = f"(`{check}` asks, `{fetch}` downloads it)"
            yield printable(f"{name}: only torchvision knows whether it is there {look}")


def look_at_data(sweep: Sweep, exactly: bool = True) -> list[str]:
    """Lines on data of the user's own that is there: what it holds, and what a person should know of it.

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
