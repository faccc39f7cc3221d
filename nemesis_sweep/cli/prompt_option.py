"""How a command line names what was learnt, and how it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from nemesis_sweep.cli.options import HomePath
from nemesis_sweep.cli.ui import newest_home
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.home.usual_place import SWEEPS

if TYPE_CHECKING:
    from nemesis_sweep.training.classifier import Learnt


def _place(ctx: click.Context, param: click.Parameter, text: str | None) -> str | None:
    return None if text is None else str(HomePath().convert(text, param, ctx))


NAMES = "HOME|FOLDER|RUN"
_ANY: dict[str, Any] = {"callback": _place, "shell_complete": HomePath().shell_complete}

prompt_option = click.option(
    "--prompt",
    metavar=NAMES,
    help="A sweep's home (its best), a folder with a prompt, or a run of MLflow [default: the newest sweep].",
    **_ANY,
)
prompt_argument = click.argument("prompt", metavar=f"[{NAMES}]", required=False, **_ANY)
"""The same in the first place, for verbs of a prompt alone."""
task = click.option("--task", default="", help="Of a sweep of several datasets: the name of a task.")


def _names(ctx: click.Context, param: click.Parameter, text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    twice = sorted({name for name in names if names.count(name) > 1})
    if "" in names:
        told, found = "a class without a name", repr(text)
    elif twice:
        told, found = "a class is named twice", ", ".join(twice)
    else:
        return names
    allowed = "names with commas between them, such as cat,dog"
    raise UserError(Problem(told, "--classnames", found=found, allowed=allowed))


classnames = click.option(
    "--classnames",
    metavar="NAME,NAME,...",
    callback=_names,
    help="Other classes, where the prompt can take them.",
)


def home_of(named: str | None) -> Path | None:
    """The home of the sweep that a prompt is of, where it is in one."""
    from nemesis_sweep.tracking.run_artifact import home_with, run_id
    from nemesis_sweep.tracking.store import RECORD

    place = newest_home(SWEEPS) if named is None else Path(named)
    if named is not None and run_id(named) and not place.exists():
        return home_with(run_id(named), _homes())
    place = place.absolute()
    return next((each for each in (place, *place.parents) if (each / RECORD).is_file()), None)


@contextmanager
def learnt(named: str | None, task: str, key: str = NAMES) -> Iterator[tuple[Learnt, str]]:
    """The prompt or reference that a person named as `key`, and a line that says which it is.

    Raises ``UserError`` where there is none, and for a task of anything but a sweep.
    """
    from nemesis_sweep.sweep.learnt_folder import learnt_folder, of_no_sweep
    from nemesis_sweep.tracking.run_artifact import fetch_learnt, run_id
    from nemesis_sweep.training.learnt import load_learnt

    if named is None:
        named = str(newest_home(SWEEPS, key))
    run = run_id(named)
    if run and not Path(named).exists():
        if task:
            raise of_no_sweep(task)
        with TemporaryDirectory() as folder:
            yield load_learnt(fetch_learnt(run, _homes(), Path(folder))), f"run {run}"
        return
    found = learnt_folder(Path(named), task)
    yield load_learnt(found.folder), found.about


def _homes() -> list[Path]:
    return sorted(path.parent for path in SWEEPS.glob("*/mlflow.db"))
