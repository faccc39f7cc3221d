"""Arguments that several verbs share, and how they become a sweep."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from nemesis_sweep.spec.sweep import Sweep

sweep_file = click.argument("file", type=click.Path(path_type=Path))
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


def load(file: Path, trials: int | None, overrides: tuple[str, ...]) -> "Sweep":
    """The sweep in a file with the command line's changes. Raises ``UserError`` with every problem."""
    from nemesis_sweep.spec.loader import load_sweep
    from nemesis_sweep.sweep.names import known_names

    extra = () if trials is None else (f"budget.trials={trials}",)
    return load_sweep(file, (*overrides, *extra), known_names())
