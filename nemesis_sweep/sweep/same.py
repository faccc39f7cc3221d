"""Whether a sweep file still means the sweep that its home holds."""

from nemesis_sweep.spec.compare import diff, fingerprint
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.home import Home


def refuse_another_sweep(sweep: Sweep, home: Home) -> None:
    """Raise ``UserError``, naming every change, when new trials could not be compared with those in the home.

    Budget, resources and tracking may change; what a trial trains and how it is judged may not.
    """
    if not home.sweep_file.exists():
        return
    before = load_sweep(home.sweep_file)
    if fingerprint(before) == fingerprint(sweep):
        return
    raise UserError(
        [
            Problem(
                "this home holds another sweep: its trials cannot be compared with new ones",
                key="--home",
                found=str(home.path),
                allowed="the sweep file as it was, or another --home",
            ),
            *(Problem(f"changed: {change}") for change in diff(before, sweep, comparable_only=True)),
        ]
    )
