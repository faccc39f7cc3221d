"""Reading a sweep file."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.document import Document
from nemesis_sweep.spec.dropped_tasks import drop_lost
from nemesis_sweep.spec.names import KnownNames
from nemesis_sweep.spec.notes import notes
from nemesis_sweep.spec.outside.beside import BESIDE
from nemesis_sweep.spec.outside.kept import own_modules
from nemesis_sweep.spec.sections import read_sections
from nemesis_sweep.spec.sweep import Sweep


def located(error: UserError, path: Path, overrides: Sequence[str] = ()) -> UserError:
    """Return `error` with file and line added to problems that name only a key of the sweep file.

    What turns out to be wrong later (more GPUs than there are) then reads like what the loader finds. The
    error stays as it is where the file can no longer be read.
    """
    try:
        document = _document(path, overrides)
    except UserError:
        return error
    sections = set(Sweep.model_fields)

    def locate(problem: Problem) -> Problem:
        keys = tuple(int(key) if key.isdecimal() else key for key in problem.key.split("."))
        if problem.file or keys[0] not in sections:
            return problem
        file, line = document.place(keys)
        return replace(problem, file=file, line=line)

    return UserError([locate(problem) for problem in error.problems])


def located_notes(
    sweep: Sweep,
    path: Path,
    overrides: Sequence[str] = (),
    untrained_patches: Callable[[str], bool] | None = None,
) -> list[Problem]:
    """Return what is hardly meant in a valid sweep, each with its place in the file or its override.

    untrained_patches: as of `notes`.
    """
    found = list(notes(sweep, untrained_patches))
    return _document(path, overrides).placed(found) if found else []


def load_sweep(path: Path, overrides: Sequence[str] = (), known: KnownNames | None = None) -> Sweep:
    """Return the sweep that the YAML file at `path` describes.

    overrides: `key=value` with dotted keys and values in YAML, applied one after the other; `null`
    takes a key away. An override that takes tasks away takes their entries in the method's tables along.
    known: the names that may be used; None checks no names.
    Raises `UserError` with everything that is wrong, each problem with file (or override), line and key.
    """
    document = _document(path, overrides)
    BESIDE.look_in(Path(path).absolute().parent)
    sweep, faults = read_sections(document.data, known)
    problems = document.located(faults)
    if problems or sweep is None:
        raise UserError(problems)
    return sweep.with_modules(own_modules(sweep))


def _document(path: Path, overrides: Sequence[str]) -> Document:
    document = Document(Path(path))
    before = copy.deepcopy(document.data)
    for text in overrides:
        document.override(text)
    drop_lost(before, document.data)
    return document
