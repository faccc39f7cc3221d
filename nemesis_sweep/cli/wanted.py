"""What a new sweep file is to be, as `nemesis-sweep init` was told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nemesis_sweep.files.current_folder import expanded, here
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.data_root import data_root

OF_IMAGES, FIRST = "own_images", "pan"
"""The shipped files that are copied where none is named: of images of one's own, and else."""


@dataclass
class Wanted:
    """What the new file is to be; empty where it is as in the file that it is copied from."""

    source: str = ""
    images: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    shots: list[int] = field(default_factory=list)
    backbones: list[str] = field(default_factory=list)

    def tasks(self) -> dict[str, Sequence[str | int]]:
        """The keys of `tasks` that differ."""
        datasets = [*self.datasets, *map(as_dataset, self.images)]
        every: dict[str, Sequence[str | int]] = {
            "dataset": datasets,
            "shots": self.shots,
            "backbone": self.backbones,
        }
        return {key: values for key, values in every.items() if values}


def numbers(text: str) -> list[int]:
    """The numbers of a list such as `1,4,16`. Raises ``UserError`` where one of them is none."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and len(part) < 9 and int(part) > 0 for part in parts):
        raise UserError(
            Problem("not a number of images", "--shots", found=repr(text), allowed="such as 16, or 1,4,16")
        )
    return list(map(int, parts))


def as_dataset(path: str) -> str:
    """How a sweep file names a path that was typed: relative paths there start at the data root."""
    place = here() / expanded(path)
    if data_root() != here() or Path(path).is_absolute():
        return str(place)
    plain = os.path.normpath(path)
    return plain if plain.startswith(("~", "..")) else f"./{plain}"
