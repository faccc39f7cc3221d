"""What workers tell while they encode pictures: lines in the sweep's home, for their output is not shown."""

import os
import time
from pathlib import Path

from nemesis_sweep.data.meter import SayLine


def encoding_log(home: Path) -> Path:
    """The file of a home that these lines stand in."""
    return home / "logs" / "encoding.log"


def encoding_report(home: Path, study: str) -> SayLine:
    """A report that adds lines to :func:`encoding_log`; workers may write at the same time."""
    path = encoding_log(home)

    def report(line: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{stamp} {study} (process {os.getpid()}): {line}\n")

    return report
