"""Simulated and real sweeps never share a home."""

from pathlib import Path
from typing import Any

from nemesis_sweep.files.sealed import DamagedError, read_sealed, write_sealed
from nemesis_sweep.sweep.home.folder import Home, refused

RECORD = "simulation.json"


def is_simulated(home: Path) -> bool:
    """Whether what the home holds was simulated."""
    return (home / RECORD).exists()


def refuse_simulated(home: Home) -> None:
    """Raise ``UserError`` when a real run is given the home of a simulation."""
    if is_simulated(home.path):
        message = "this home holds a simulation, and nothing that was trained"
        raise refused(home, message, "another --home, or --simulate to continue the simulation")


def claim(home: Home, record: dict[str, Any]) -> None:
    """Mark the home as that of a simulation with these settings.

    Raises ``UserError`` when it holds a real sweep, or a simulation with other settings.
    """
    path = home.path / RECORD
    if not path.exists():
        if home.sweep_file.exists():
            raise refused(home, "this home holds a real sweep", "a home of its own for a simulation")
        write_sealed(path, record)
        return
    try:
        before = read_sealed(path)
    except DamagedError as error:
        allowed = "another --home, or --fresh to simulate again"
        raise refused(home, f"this home's {RECORD} {error.reason}", allowed) from error
    changes = [f"{key}: {before.get(key)} -> {now}" for key, now in record.items() if before.get(key) != now]
    if changes:
        allowed = "the settings that it began with, or another --home"
        raise refused(home, "this home holds another simulation", allowed, changes)
