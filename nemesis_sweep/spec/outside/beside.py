"""Modules beside a sweep file: importable where Python has none of their name, and never in front of any.

The folder is not put on Python's path: a file there may have the name of a package that some other one would
import if it were installed. Only modules that the sweep names are found there, and those that they import.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib import invalidate_caches
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any

KEPT = "modules"
"""Folder beside a sweep file, such as that in a home, in which its modules are kept."""


class _Uncompiled(SourceFileLoader):
    """Reads the source each time: compiled files go by whole seconds, and would be left in the folder."""

    def path_stats(self, path: Any) -> Any:
        """Nothing to compare compiled files with, so there are none."""
        raise OSError


class Beside(MetaPathFinder):
    """Finds modules in `folder`, or in `folder/modules`, after everybody else has been asked."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._names: set[str] = set()
        self._state: dict[Path, tuple[int, int]] = {}

    @property
    def places(self) -> list[Path]:
        """The folders that are looked in."""
        return [] if self.folder is None else [self.folder, self.folder / KEPT]

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """What the import system asks for a module that nobody else has."""
        if path is not None or fullname not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, [str(place) for place in self.places])
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Uncompiled(fullname, spec.loader.path)
        return spec

    def look_in(self, folder: Path | None) -> None:
        """Look in this folder from now on, and no longer in another.

        What was imported stays where the new folder has the same: a home keeps a copy of its sweep's modules.
        """
        if self not in sys.meta_path:
            sys.meta_path.append(self)
        if folder == self.folder:
            return
        imported = {self.relative(file): file for file in self._state}
        self.folder = folder
        same = {name: self._file(name) for name in imported}
        if all(new is not None and _alike(imported[name], new) for name, new in same.items()):
            self._state = {new: _state(new) for new in same.values() if new is not None}
        else:
            self._forget()

    def take(self, name: str) -> None:
        """Make a module importable, if it lies here, with all that it imports from here."""
        top = name.partition(".")[0]
        if top in self._names and all(_state(file) == state for file, state in self._state.items()):
            return
        files = {file: _state(file) for file in self.files(top)}
        if any(self._state.get(file, state) != state for file, state in files.items()):
            self._forget()  # Written anew since it was imported.
        invalidate_caches()  # Files may be new in a folder that was looked in before.
        self._state |= files
        self._names |= {_top(file, self.places) for file in files}

    def files(self, name: str) -> list[Path]:
        """The files of a module that lies here, and of those from here that it imports; [] of any other."""
        found: dict[str, list[Path]] = {}
        waiting = [name.partition(".")[0]]
        while waiting:
            top = waiting.pop()
            if top in found or (place := self._place(top)) is None:
                continue
            found[top] = sorted(_files_at(place))
            waiting += sorted({each for file in found[top] for each in _imported(file)})
        return [file for top in sorted(found) for file in found[top]]

    def hidden(self, name: str) -> Path | None:
        """The file of a module that lies here and is not taken, as Python has another of its name."""
        place = self._candidate(name)
        return place if place is not None and self._place(name) is None else None

    def relative(self, file: Path) -> str:
        """How a file is called below the folder that it was found in."""
        place = next(place for place in reversed(self.places) if file.is_relative_to(place))
        return file.relative_to(place).as_posix()

    def _place(self, top: str) -> Path | None:
        place = self._candidate(top)
        if place is None:
            return None
        other = _found_elsewhere(top)
        return place if other is None or other == place.resolve() else None

    def _candidate(self, top: str) -> Path | None:
        """The file, or the folder of a package, that has the name here."""
        spec = PathFinder.find_spec(top, [str(place) for place in self.places]) if self.places else None
        if spec is None or not spec.origin:
            return None
        file = Path(spec.origin)
        return file.parent if spec.submodule_search_locations else file

    def _file(self, name: str) -> Path | None:
        """The file of this relative name, where there is one."""
        return next((place / name for place in self.places if (place / name).is_file()), None)

    def _forget(self) -> None:
        """Take back what was imported from here: nobody else has modules of these names."""
        for name in [name for name in sys.modules if name.partition(".")[0] in self._names]:
            del sys.modules[name]
        self._names.clear()
        self._state.clear()


def _found_elsewhere(top: str) -> Path | None:
    """Where Python finds a module by itself; a path that is nowhere for one that is built in."""
    for finder in sys.meta_path:
        if isinstance(finder, Beside) or not hasattr(finder, "find_spec"):
            continue
        spec = finder.find_spec(top, None)
        if spec is not None and (spec.origin or not spec.submodule_search_locations):
            file = Path(spec.origin or top)
            return (file.parent if spec.submodule_search_locations else file).resolve()
    return None


def _files_at(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for file in place.rglob("*"):
        below = file.relative_to(place).parts
        if file.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in below):
            yield file


def _imported(file: Path) -> Iterable[str]:
    """Names of the modules that a file imports, anywhere in it; none of one that cannot be read as Python."""
    if file.suffix != ".py":
        return
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _alike(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def _state(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _top(file: Path, places: Iterable[Path]) -> str:
    place = next(place for place in reversed(list(places)) if file.is_relative_to(place))
    return file.relative_to(place).parts[0].partition(".")[0]


BESIDE = Beside()
"""That of this process, as `sys.path` is: it looks beside the sweep that was read last."""
