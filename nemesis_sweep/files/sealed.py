"""JSON files that carry a checksum of what they hold, as the shards of features do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nemesis_sweep.files.atomic import write_atomically
from nemesis_sweep.files.regular_file import MEGABYTE, read_regular

CHECKSUM = "checksum"
MOST = 200 * MEGABYTE


class DamagedError(Exception):
    """A file that is not what was written: missing, truncated, altered, or made by something else.

    ``str`` names the file and says what is wrong with it.
    """

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file} {reason}")
        self.file, self.reason = file, reason


UNFIT = "has a checksum that does not fit"


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its checksum. It is of the content: the file may be indented in another way."""
    # Through JSON, as it will be read again: a tuple becomes a list, and a key text.
    content = json.loads(json.dumps(_content(record)))
    return {**content, CHECKSUM: _checksum(content)}


def write_sealed(path: Path, record: Mapping[str, Any], mode: int = 0o666) -> str:
    """Replace a JSON file in one step; gives the checksum that it carries. mode: as of a new file."""
    whole = sealed(record)
    write_atomically(path, json.dumps(whole, indent=2, ensure_ascii=False) + "\n", mode)
    return str(whole[CHECKSUM])


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises ``DamagedError`` when there is none."""
    try:
        record = json.loads(read_regular(path, MOST))
    except FileNotFoundError as error:
        raise DamagedError(path, "is missing") from error
    except OSError as error:
        raise DamagedError(path, f"cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise DamagedError(path, "is no JSON") from error
    if not isinstance(record, dict):
        raise DamagedError(path, f"holds a JSON {_kind(record)} in place of an object")
    return record


def read_sealed(path: Path) -> dict[str, Any]:
    """The record in a file, with its checksum, that :func:`write_sealed` wrote.

    A record without a checksum is one of an earlier version and taken as it is. Raises ``DamagedError``.
    """
    record = read_object(path)
    if CHECKSUM in record and record[CHECKSUM] != _checksum(_content(record)):
        raise DamagedError(path, UNFIT)
    return record


def _content(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != CHECKSUM}


def _checksum(content: Mapping[str, Any]) -> str:
    """SHA-256 of what was read from JSON, as hexadecimal text."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _kind(value: Any) -> str:
    kinds = {list: "list", str: "text", bool: "true or false", int: "number", float: "number"}
    return kinds.get(type(value), "null")
