"""Reading a sweep file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nemesis_sweep.spec.document import Document
from nemesis_sweep.spec.errors import UserError
from nemesis_sweep.spec.names import KnownNames
from nemesis_sweep.spec.sections import read_sections
from nemesis_sweep.spec.sweep import Sweep


def load_sweep(path: Path, overrides: Sequence[str] = (), known: KnownNames | None = None) -> Sweep:
    """Return the sweep that the YAML file at `path` describes.

    overrides: `key=value` with dotted keys and values in YAML, applied one after the other; `null`
    takes a key away. known: the names that may be used; None checks no names.
    Raises `UserError` with everything that is wrong, each problem with file (or override), line and key.
    """
    document = Document(Path(path))
    for text in overrides:
        document.override(text)
    sweep, faults = read_sections(document.data, known)
    problems = document.located(faults)
    if problems or sweep is None:
        raise UserError(problems)
    return sweep
