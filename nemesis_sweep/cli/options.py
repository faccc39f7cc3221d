"""Arguments that several verbs share, and how they become a sweep."""

import errno
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from nemesis_sweep.sweep.home.usual_place import SWEEPS

if TYPE_CHECKING:
    from nemesis_sweep.spec.sweep import Sweep


class GivenPath(click.Path):
    """A path as it was written; refused where it can be none, or is relative to a folder that is gone."""

    def __init__(self, **what: Any) -> None:
        super().__init__(path_type=Path, **what)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from nemesis_sweep.files.current_folder import from_here
        from nemesis_sweep.files.regular_file import status_of
        from nemesis_sweep.messages.errors import Problem, UserError

        if not os.fspath(value):
            # Mostly a variable of a shell that is not set. Nobody means the current folder by it.
            allowed = "a path, such as . for the current folder"
            raise UserError(Problem("no path", parameter_name(param), found="''", allowed=allowed))
        path = from_here(Path(os.fsdecode(super().convert(value, param, ctx))))
        try:
            status_of(path)
        except OSError as error:
            if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
                reason = f"this path leads nowhere: {error.strerror}"
                raise UserError(Problem(reason, parameter_name(param), found=str(path))) from error
        return path


def parameter_name(param: click.Parameter | None) -> str:
    """How a person writes a parameter: `--to`, or the word of the usage."""
    if param is None:
        return ""
    return param.opts[0] if isinstance(param, click.Option) else param.human_readable_name.strip("[].")


class HomePath(GivenPath):
    """The folder of a sweep: a shell completes those below ./sweeps, any folder where none of them fits."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The homes that begin like this; the shell completes folders itself where it is given none."""
        homes = sorted(str(file.parent) for file in SWEEPS.glob("*/sweep.yaml"))
        fit = [CompletionItem(home) for home in homes if home.startswith(incomplete)]
        return [CompletionItem(incomplete, type="dir"), *fit]


sweep_file = click.argument("file", type=GivenPath())
trials = click.option(
    "--trials", type=click.IntRange(min=0), help="Trials per study, instead of budget.trials."
)
overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Another value for a key, such as method.epochs=20.",
)


def of_a_home(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the parameter ``home``: HOME, or --home as `run` has it; None when there is neither."""

    @click.argument("home", required=False, type=HomePath())
    @click.option("--home", "named", type=HomePath(), help="The same as HOME.")
    @wraps(verb)
    def with_a_home(home: Path | None, named: Path | None, **others: Any) -> None:
        if home is not None and named is not None:
            raise click.UsageError("HOME and --home are the same: one of them")
        verb(home=named if home is None else home, **others)

    return with_a_home


def load(file: Path, trials: int | None, overrides: tuple[str, ...]) -> "Sweep":
    """The sweep in a file with the command line's changes. Raises ``UserError`` with every problem."""
    from nemesis_sweep.spec.loader import load_sweep
    from nemesis_sweep.sweep.names import known_names

    extra = () if trials is None else (f"budget.trials={trials}",)
    return load_sweep(file, (*overrides, *extra), known_names(file.parent))
