"""Which Parquet files of a folder belong together, and which split each holds; also in clones of the hub."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nemesis_sweep.data.catalogue.listing import is_folder
from nemesis_sweep.data.own.rows import split_in
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed

DEPTH = 3
"""Folders inside each other in which files are looked for: `CONFIGURATION/SPLIT/0000.parquet` on the hub."""

NUMBERED = re.compile(r"(.*?)-?(\d{5})-of-(\d{5})")
"""How the files are called that a split was cut into: `train-00000-of-00002`."""

PLAIN_FOLDERS = frozenset({"data", "default"})
"""Folders that say nothing of what is in them."""


@dataclass(frozen=True)
class ParquetFile:
    """A file, the split that its name or its folder tells (or ''), and the configuration that it is of."""

    path: Path
    split: str
    configuration: str


def parquet_files(path: Path) -> tuple[list[ParquetFile], list[str]]:
    """The files of a dataset, sorted, and notes on others; none where there are none.

    Those in the folder itself count first, then those below it without a configuration, then the only one.
    Raises ``UserError`` where several configurations lie beside each other.
    """
    here = sorted(path.glob("*.parquet"))
    if here:
        folders = sorted(
            each.name for each in path.iterdir() if each.is_dir() and not each.name.startswith(".")
        )
        notes = [f"left out, folders beside the Parquet files: {listed(folders)}"] if folders else []
        return [_described(file, path) for file in here], [*notes, *_missing(here, path)]
    found = [_described(file, path) for file in sorted(_below(path))]
    configurations = sorted({file.configuration for file in found})
    if len(configurations) < 2:
        return found, list(_missing([file.path for file in found], path))
    if "" not in configurations:
        allowed = f"the path of one of them, such as {path / configurations[0]}"
        problem = Problem("several configurations", "", str(path), None, listed(configurations), allowed)
        raise UserError(problem)
    others = [each for each in configurations if each]
    taken = [file for file in found if not file.configuration]
    missing = _missing([file.path for file in taken], path)
    return taken, [f"left out, other configurations: {listed(others)}", *missing]


def _missing(files: Sequence[Path], root: Path) -> Iterator[str]:
    """A line for each set of numbered files that is not all there, as after half a download."""
    there: dict[tuple[Path, str, int], set[int]] = {}
    for file in files:
        if match := NUMBERED.fullmatch(file.stem):
            name, number, count = match.groups()
            there.setdefault((file.parent, name, int(count)), set()).add(int(number))
    for (folder, name, count), numbers in there.items():
        absent = count - len(numbers)
        if absent > 0:
            shown = (folder / f"{name}-*-of-{count:05}.parquet").relative_to(root).as_posix()
            first = next(number for number in range(count) if number not in numbers)
            yield f"{absent} of {count} files {shown} are not there, the first is number {first}"


def _described(file: Path, root: Path) -> ParquetFile:
    folders = file.relative_to(root).parts[:-1]
    split = split_in(file.stem) or next(filter(None, map(split_in, reversed(folders))), "")
    own = [each for each in folders if each.lower() not in PLAIN_FOLDERS and not split_in(each)]
    return ParquetFile(file, split, "/".join(own))


def _below(path: Path, depth: int = DEPTH) -> Iterator[Path]:
    try:
        with os.scandir(path) as entries:
            found = list(entries)
    except OSError as error:
        raise UserError(Problem(f"cannot list this folder: {error.strerror}", file=str(path))) from error
    for entry in found:
        if entry.name.startswith("."):
            continue
        if entry.name.endswith(".parquet"):
            yield Path(entry.path)
        elif depth and is_folder(entry):
            yield from _below(Path(entry.path), depth - 1)
