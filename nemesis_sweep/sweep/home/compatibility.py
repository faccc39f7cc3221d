"""Whether a sweep file still means the sweep that its home holds, and starting over when it does not."""

import shlex
from pathlib import Path

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.compare import diff, growth
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.outside.beside import KEPT
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.home.copies import restore
from nemesis_sweep.sweep.home.folder import Home, quiet, refused
from nemesis_sweep.sweep.home.modules import restore_modules

STORAGE = "storage.json"


def refuse_another_sweep(sweep: Sweep, home: Home, extend: bool = False, say: SayLine = quiet) -> None:
    """Raise ``UserError``, naming every change, when the home holds another sweep or a smaller one.

    Resources and tracking may change. More trials, hours or tasks need ``extend``. What a trial trains and
    how it is judged may not change at all: new trials could not be compared with those in the home.
    say: told that the home's own sweep file was damaged, and where it was taken from.
    """
    before = _before(home, say)
    if before is None:
        return
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


def _before(home: Home, say: SayLine) -> Sweep | None:
    """The sweep that a home holds; None for a new home. Raises ``UserError`` for a file damaged for good."""
    file = home.sweep_file
    begun = any(path.exists() and path.stat().st_size for path in (home.journal, home.path / STORAGE))
    if not begun and not file.exists():
        return None
    try:
        return load_sweep(file)
    except UserError as error:
        if file.exists() and (names := restore_modules(home)):
            say(f"{listed(names)} in {home.path / KEPT}: restored from the copies in MLflow's artifacts")
            return _before(home, say)
        reason = "is missing" if not file.exists() else "is damaged"
        if restore(home, file, file.name, _is_sweep):
            say(f"{file} {reason}; restored from the copy in MLflow's artifacts")
            return load_sweep(file)
        if file.exists() and (home.path / KEPT).is_dir():
            message = "the home's own sweep file, or a module that it keeps, cannot be read"
            allowed = "the files as they were, or --fresh to start over"
            raise UserError([Problem(message, file=str(file), allowed=allowed), *error.problems]) from error
        how = f"nemesis-sweep validate FILE --resolved > {shlex.quote(str(file))}"
        allowed = f"the file as it was; `{how}` writes it from the one that the sweep began with"
        raise UserError(
            Problem(f"the home's own sweep file {reason}", file=str(file), allowed=allowed)
        ) from error


def _is_sweep(file: Path) -> bool:
    try:
        load_sweep(file)
    except UserError:
        return False
    return True


def set_aside(home: Home) -> Path | None:
    """Rename a sweep's home out of the way, to ``HOME.1`` or the next free number; None if there is none.

    Of a home that is a symbolic link, the folder is renamed that it leads to, and it leads to a new one.
    Raises ``UserError`` when another run is at work in it, or when the folder is something else than a home.
    """
    # A link stays one, to a new folder where its former one was: that disk was chosen for sweeps.
    place = home.path.resolve() if home.path.is_symlink() else home.path
    held = set(place.iterdir()) if place.exists() else set()
    if held <= {place / home.lock.name}:  # a run that was refused leaves its lock
        return None
    if not home.is_ours:
        raise UserError(
            Problem("not the home of a sweep; it is left as it is", key="--home", found=str(home.path))
        )
    with home.driver_lock():
        number = 1
        while (kept := place.with_name(f"{place.name}.{number}")).exists():
            number += 1
        place.rename(kept)
        if place != home.path:
            place.mkdir()
    return kept
