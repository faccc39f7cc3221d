"""Simulated and real sweeps never share a home."""

import json
from pathlib import Path
from typing import Any

from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.sweep.home import Home, write_json

RECORD = "simulation.json"


def is_simulated(home: Path) -> bool:
    """Whether what the home holds was simulated."""
    return (home / RECORD).exists()


def refuse_simulated(home: Home) -> None:
    """Raise ``UserError`` when a real run is given the home of a simulation."""
    if is_simulated(home.path):
        raise UserError(
            Problem(
                "this home holds a simulation, and nothing that was trained",
                key="--home",
                found=str(home.path),
                allowed="another --home, or --simulate to continue the simulation",
            )
        )


def claim(home: Home, record: dict[str, Any]) -> None:
    """Mark the home as that of a simulation with these settings.

    Raises ``UserError`` when it holds a real sweep, or a simulation with other settings.
    """
    path = home.path / RECORD
    if not path.exists():
        if home.sweep_file.exists():
            raise UserError(
                Problem(
                    "this home holds a real sweep",
                    key="--home",
                    found=str(home.path),
                    allowed="a home of its own for a simulation",
                )
            )
        write_json(path, record)
        return
    before = json.loads(path.read_text())
    changed = [key for key in record if before.get(key) != record[key]]
    if changed:
        raise UserError(
            [
                Problem(
                    "this home holds another simulation",
                    key="--home",
                    found=str(home.path),
                    allowed="the settings that it began with, or another --home",
                ),
                *(Problem(f"changed: {key}: {before.get(key)} -> {record[key]}") for key in changed),
            ]
        )
