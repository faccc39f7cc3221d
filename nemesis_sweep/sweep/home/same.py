"""Whether a sweep file still means the sweep that its home holds, and starting over when it does not."""

from pathlib import Path

from nemesis_sweep.spec.compare import diff, growth
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.home.folder import Home, refused


def refuse_another_sweep(sweep: Sweep, home: Home, extend: bool = False) -> None:
    """Raise ``UserError``, naming every change, when the home holds another sweep or a smaller one.

    Resources and tracking may change. More trials, hours or tasks need ``extend``. What a trial trains and
    how it is judged may not change at all: new trials could not be compared with those in the home.
    """
    if not home.sweep_file.exists():
        return
    before = load_sweep(home.sweep_file)
    changes = diff(before, sweep, comparable_only=True)
    if changes:
        raise refused(
            home,
            "this home holds another sweep: its trials cannot be compared with new ones",
            "the sweep file as it was, another --home, or --fresh to start over",
            changes,
        )
    grown = growth(before, sweep)
    if grown and not extend:
        raise refused(
            home,
            "this home holds a smaller sweep",
            "--extend to go on with more, or the sweep file as it was",
            grown,
        )


def set_aside(home: Home) -> Path | None:
    """Rename a sweep's home out of the way, to ``HOME.1`` or the next free number; None if there is none.

    Raises ``UserError`` when another run is at work in it, or when the folder is something else than a home.
    """
    held = set(home.path.iterdir()) if home.path.exists() else set()
    if held <= {home.lock}:  # a run that was refused leaves its lock
        return None
    if not home.is_ours:
        raise UserError(
            Problem("not the home of a sweep; it is left as it is", key="--home", found=str(home.path))
        )
    with home.driver_lock():
        number = 1
        while (kept := home.path.with_name(f"{home.path.name}.{number}")).exists():
            number += 1
        home.path.rename(kept)
    return kept
