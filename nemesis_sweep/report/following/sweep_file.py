"""`nemesis-sweep report HOME --next FILE`: the sweep file of the next sweep."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nemesis_sweep.files.atomic import write_atomically
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.report.following.proposals import (
    Proposal,
    proposals,
    rising,
    unchanged_reason,
    with_proposals,
)
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.searches import searches_of
from nemesis_sweep.spec.dump import plain_yaml, resolved
from nemesis_sweep.spec.sections import read_sections
from nemesis_sweep.spec.sweep import LONGEST_NAME, Sweep
from nemesis_sweep.sweep.names import known_names

COLUMNS = 100


def refuse_file(file: Path) -> None:
    """Raise ``UserError`` where the file is there already, or its folder is not."""
    if file.exists() or file.is_symlink():
        allowed = "a new file: nothing is written over"
        raise UserError(
            Problem("there is such a file already", key="--next", found=str(file), allowed=allowed)
        )
    if not file.absolute().parent.is_dir():
        found = str(file.absolute().parent)
        raise UserError(Problem("no such folder", key="--next", found=found))


def write_next(material: Material, file: Path) -> None:
    """Write the sweep file that follows on the only sweep of a report.

    Its ranges are wider where best trials crowd at an edge, else as they were; the reasons stand on top.

    Raises ``UserError`` for a file that is there, and for a report on several sweeps.
    """
    refuse_several(len(material.sweeps))
    refuse_file(file)
    text = next_text(material)
    try:
        write_atomically(file, text)
    except OSError as error:
        message = f"the next sweep file cannot be written: {error.strerror or error}"
        allowed = "a file elsewhere, or room there; the report is written"
        raise UserError(Problem(message, key="--next", found=str(file), allowed=allowed)) from error


def refuse_several(homes: int) -> None:
    """Raise ``UserError`` for more than one home."""
    if homes > 1:
        allowed = "one HOME: the next sweep follows on one"
        raise UserError(Problem("several homes", key="--next", found=f"{homes} homes", allowed=allowed))


def next_text(material: Material) -> str:
    """The text of that file."""
    (record,) = material.sweeps
    sweep = record.sweep
    found = searches_of(material, record)
    data = resolved(sweep)
    data["name"] = next_name(sweep.name)
    told: list[str] = []
    accepted: list[Proposal] = []
    for each in proposals(found):
        fault = (
            "" if each.after is None else _fault(with_proposals(data, [*accepted, each]), record.home.path)
        )
        told.append(each.text + (f" Left as it was: {fault}." if fault else ""))
        if each.after is not None and not fault:
            accepted.append(each)
    lines = [f"Proposed after {sweep.name} ({printable(str(record.home.path))})."]
    lines += ["Wider ranges:" if accepted else f"No range is wider: {_why_none(told, sweep, found)}."]
    lines += [f"- {each}" for each in told]
    if more := rising(found):
        lines += [
            "More epochs, which cost as much more time and are left to you:",
            *(f"- {each}" for each in more),
        ]
    lines += [f"Everything else is as it was, defaults written out. Its home will be sweeps/{data['name']}"]
    if sweep.modules.files:
        lines.append(f"It needs {', '.join(sweep.modules.files)} beside it, as in the sweep's home.")
    return _comment(lines) + "\n" + plain_yaml(with_proposals(data, accepted))


def next_name(name: str) -> str:
    """`pan-2` after `pan`, `pan-3` after `pan-2`."""
    match = re.fullmatch(r"(.*)-(\d{1,6})", name)
    stem, number = (match[1], int(match[2]) + 1) if match else (name, 2)
    return f"{stem[: LONGEST_NAME - len(f'-{number}')].rstrip('._-')}-{number}"


def _why_none(told: Sequence[str], sweep: Sweep, found: Sequence[Any]) -> str:
    return "what was looked at stands below" if told else unchanged_reason(sweep, found)


def _fault(data: dict[str, Any], home: Path) -> str:
    """What makes a proposal invalid, '' where it is valid."""
    _, faults = read_sections(data, known_names(home))
    return faults[0].message if faults else ""


def _comment(lines: Sequence[str]) -> str:
    wrapped = [
        part
        for line in lines
        for part in textwrap.wrap(line, COLUMNS, subsequent_indent="  " if line.startswith("-") else "")
    ]
    return "".join(f"# {part}\n" for part in wrapped)
