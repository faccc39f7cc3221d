"""Simulated and real sweeps never share a home."""

import json
from pathlib import Path
from typing import Any

from nemesis_sweep.sweep.home.folder import Home, refused, write_json

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
        write_json(path, record)
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    changes = [f"{key}: {before.get(key)} -> {now}" for key, now in record.items() if before.get(key) != now]
    if changes:
        allowed = "the settings that it began with, or another --home"
        raise refused(home, "this home holds another simulation", allowed, changes)
