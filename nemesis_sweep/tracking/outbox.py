"""What MLflow is to be told of one run: events in a file beside its results, sent by the driver.

Whoever trains only appends here, so a server that is slow, gone or wrong is never in the way of training. A
line is the CRC-32 of an event and the event as JSON. A process may be killed while it writes: what it left of
a line is skipped. Events carry the time at which they happened, so that to send one again changes nothing,
for MLflow drops a metric that it has already.

Nothing is taken out of the file once it is sent, it is small: where the records are lost (a database that was
emptied, another server) all of them are sent again from its beginning, as `delivery.py` does for every run
that is not where it left it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

from nemesis_sweep.files.full_disk import naming
from nemesis_sweep.files.regular_file import MEGABYTE, open_regular, read_regular

FILE = "outbox.jsonl"
OPEN, METRICS, FILES, CLOSE, TAGS = "open", "metrics", "files", "close", "tags"
VIEWS, BEST = "views", "best"
"""Events: a run begins or goes on (`params`, `tags`, `name`); metrics of an epoch (`epoch`, `metrics`); files
of the folder that become artifacts (`names`, `place`); a run ends (`status`, `reason`, `state`); what else is
said of it (`tags`, its `name` and `note`). Of a sweep also: the views of it, and the description of its
experiment (`views`, `note`); the best trial of every study (`winners`), and those that were (`former`). All
have `event` and `time`, milliseconds since 1970."""

MOST = 10_000 * MEGABYTE
"""Of an outbox that is read: a metric has a hundred bytes."""

Event = Mapping[str, Any]


def event(kind: str, **content: Any) -> Event:
    """What happens now."""
    return {"event": kind, "time": time.time_ns() // 1_000_000, **content}


class Outbox:
    """The events of the run whose folder this is, in their order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE

    def append(self, *events: Event) -> None:
        """Add events. Each stands whole or not at all when the disk is full, which raises ``OSError``."""
        rest = memoryview("".join(map(_line, events)).encode())
        # Opened for every write: on a network file system others see it once it is closed.
        with naming(self.path), open(self.path, "a+b", buffering=0, opener=open_regular) as file:
            before = file.seek(0, 2)
            if before and _last_byte(file) != b"\n":
                rest = memoryview(b"\n" + rest)
            try:
                while rest:
                    rest = rest[file.write(rest) :]
            except OSError:
                file.truncate(before)
                raise

    def read(self, start: int = 0) -> tuple[list[Event], int]:
        """Events from byte ``start`` on, and where the next ones will begin; none where there is no file.

        A file that is shorter than ``start`` is another one: it is read from its beginning.
        """
        try:
            content = read_regular(self.path, MOST)
        except OSError:  # There is none, or a folder or a pipe in its place, of which nothing can be told.
            return [], 0
        if start > len(content):
            start = 0
        end = content.rfind(b"\n") + 1
        events = map(_event, content[start:end].splitlines())
        return [found for found in events if found is not None], end

    @property
    def is_open(self) -> bool:
        """Whether the run was begun and not ended since."""
        kinds = [found["event"] for found in self.read()[0] if found["event"] in (OPEN, CLOSE)]
        return kinds[-1:] == [OPEN]

    @property
    def size(self) -> int:
        """Bytes; 0 where there is no file."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


def _line(content: Event) -> str:
    text = json.dumps(content, separators=(",", ":"), default=str)
    return f"{crc32(text.encode()):08x} {text}\n"


def _event(line: bytes) -> Event | None:
    """The event of a line; None for a line that is not as it was written."""
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % crc32(text):
        return None
    found: Event = json.loads(text)
    return found


def _last_byte(file: Any) -> bytes:
    file.seek(-1, 2)
    last: bytes = file.read(1)
    return last
