"""The file of Optuna's journal: every line with a checksum, and a copy of the file that mends it.

A journal is the only record of a sweep that cannot be made again from others. Each line is an entry in
Optuna's own form with one more key, `crc`, which Optuna ignores. The copy gets every line right after the
journal has it, so a line that is damaged later, or lost, is taken from there.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.files.full_disk import naming
from nemesis_sweep.files.regular_file import MEGABYTE, read_regular
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.sweep.internals.optuna_names import JournalOperation

Entry = dict[str, Any]
_MARK = ',"crc":"'
_END = '"}'
MOST = 20_000 * MEGABYTE
"""Of a journal that is read: a million trials have a tenth of it."""


def copy_of(path: Path) -> Path:
    """Where the copy of a journal is."""
    return path.with_name(f"{path.name}.copy")


def line_of(entry: Mapping[str, Any]) -> bytes:
    """An entry as a line with its checksum."""
    text = json.dumps({key: value for key, value in entry.items() if key != "crc"}, separators=(",", ":"))
    return f"{text[:-1]}{_MARK}{zlib.crc32(text.encode()):08x}{_END}\n".encode()


def append(path: Path, entries: list[Entry], *, synced: bool) -> None:
    """Add entries whole or not at all. synced: whether they have to be on the disk before work goes on."""
    _append(path, b"".join(map(line_of, entries)), synced=synced)
    if synced:
        with suppress(OSError):  # The next run makes the copy whole.
            copy_of(path).touch()
            _append(copy_of(path), b"".join(map(line_of, entries)), synced=False)


def mend(path: Path) -> list[str]:
    """Make a journal whole before a driver goes on with it; gives a line for what was damaged.

    Half an entry at the end, of a disk that was full or lost its power, is taken away: the next one would be
    written behind it. Optuna's lock too, for whose end the next entry would wait 30 s. Raises
    ``DamagedError`` when a line is damaged that the copy does not have.
    """
    Path(f"{path}.lock").unlink(missing_ok=True)
    ours, theirs = _lines(path), _copied(path)
    whole = _mended(path, ours, theirs)
    told = []
    if restored := len(set(whole) - set(ours)):
        told = [f"{path} was damaged; {counted(restored, 'line')} restored from its copy"]
    elif len(whole) < len(ours):
        told = [f"{path} was damaged in its last line, which is left out"]
    if told:
        _write(path.with_name(f"{path.name}.damaged"), path.read_bytes() if path.exists() else b"")
    _bring(path, whole)
    _bring(copy_of(path), whole)
    return told


def _mended(path: Path, ours: list[bytes], theirs: list[bytes]) -> list[bytes]:
    """The lines of a journal, by what it and its copy hold."""
    damaged = [number for number, line in enumerate(ours) if not _is_sound(line)]
    if (damaged or len(ours) < len(theirs)) and _helps(ours, theirs):
        # What was written when the copy could not be, by a disk that was full, comes behind it.
        return [*theirs, *(line for line in ours[_common(ours, theirs) :] if _is_sound(line))]
    if damaged in ([], [len(ours) - 1]):
        return ours[: len(ours) - len(damaged)]
    raise DamagedError(path, f"is damaged in line {damaged[0] + 1}, and its copy cannot help")


def _common(ours: list[bytes], theirs: list[bytes]) -> int:
    """Behind which line nothing more is in the copy."""
    known = set(theirs)
    return max((number for number, line in enumerate(ours, 1) if line in known), default=0)


def _helps(ours: list[bytes], theirs: list[bytes]) -> bool:
    """Whether a copy has all that a damaged journal held; not one that is damaged itself, or of another."""
    common = _common(ours, theirs)
    within, behind = ours[:common], ours[common:]
    if not theirs or not all(map(_is_sound, theirs)) or not set(filter(_is_sound, within)) <= set(theirs):
        return False
    if not any(map(_is_sound, behind)):
        return True
    return all(map(_is_sound, behind)) and bool(within) and within[-1] == theirs[-1]


def refuse_damaged(path: Path) -> None:
    """Raise ``DamagedError`` for a journal that has to be mended, but for an entry that is being written."""
    known = len(_copied(path))  # First, for a driver may be at work: the copy is the later to grow.
    lines = _lines(path)
    for number, line in enumerate(lines):
        if not _is_sound(line):
            raise DamagedError(path, f"is damaged in line {number + 1}")
    if len(lines) < known:
        raise DamagedError(path, "lacks its last entries" if path.exists() else "is missing")


def rewrite(path: Path, change: Callable[[Entry], Entry | None]) -> None:
    """Replace every entry of a whole journal by what ``change`` makes of it; None leaves it out.

    Optuna never changes what is over; a driver has to where a record was found damaged. The number of a trial
    is that of its first entry, so those must stay.
    """
    lines = []
    for line in _lines(path):
        entry = json.loads(line)
        changed = change(dict(entry))
        if changed is not None:
            lines.append(line if changed == entry else line_of(changed))
        elif entry["op_code"] in (JournalOperation.CREATE_STUDY, JournalOperation.CREATE_TRIAL):
            raise ValueError("an entry that numbers others cannot be left out")
    _bring(path, lines)
    _bring(copy_of(path), lines)


def _is_sound(line: bytes) -> bool:
    text, mark, rest = line.rpartition(_MARK.encode())
    if mark and len(rest) == 8 + len(_END) and rest.endswith(_END.encode()):
        return b"%08x" % zlib.crc32(text + b"}") == rest[:8]
    # An entry of an earlier version.
    try:
        return "op_code" in json.loads(line) and line.startswith(b"{")
    except (ValueError, TypeError, RecursionError):
        return False


def _lines(path: Path) -> list[bytes]:
    """The entries that were written to their end; none where there is no file. Raises ``DamagedError``."""
    try:
        *lines, _ = read_regular(path, MOST).split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DamagedError(path, f"cannot be read ({error.strerror})") from error
    return lines


def _copied(path: Path) -> list[bytes]:
    """The entries in the copy of a journal; none where it cannot be read."""
    try:
        return _lines(copy_of(path))
    except DamagedError:
        return []


def _bring(path: Path, lines: list[bytes]) -> None:
    """Let a file hold these lines; one that does already is left alone, and so is one that never was."""
    content = b"".join(line + b"\n" if not line.endswith(b"\n") else line for line in lines)
    try:
        there = read_regular(path, MOST)
    except FileNotFoundError:
        there = b""
    except OSError:  # A link or a pipe gives its place to the file; of a folder, to write tells.
        there = None
    if there != content:
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _append(path: Path, text: bytes, *, synced: bool) -> None:
    rest = memoryview(text)
    # Unbuffered: what a buffer could not write it would try again when it is closed. And never made anew:
    # a journal that is gone is not one without entries.
    with naming(path), path.open("r+b", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        try:
            while rest:
                rest = rest[file.write(rest) :]
            if synced:
                os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise
