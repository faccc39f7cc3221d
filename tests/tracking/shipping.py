"""What the sender does, at once and in this thread."""

from pathlib import Path

from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.delivery import Delivery
from nemesis_sweep.tracking.store import Tracking
from nemesis_sweep.tracking.sweep_run import TRIALS, trial_folders


def ship(home: Path, tracking: Tracking) -> None:
    """Send all that waits in a home."""
    client = connect(tracking.uri)
    for folder in trial_folders(home):
        trial = folder.relative_to(home / TRIALS).as_posix()
        Delivery(folder, tracking, trial).send(client)
    # Last: it names trials by their runs.
    Delivery(home, tracking).send(client)
