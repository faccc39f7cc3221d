"""What workers tell while they encode pictures: lines in the sweep's home, for their output is not shown."""

import os
import time
from pathlib import Path

from nemesis_sweep.data.meter import Report


def encoding_report(home: Path, study: str) -> Report:
    """A report that adds lines to ``HOME/logs/encoding.log``; workers may write at the same time."""
    path = home / "logs" / "encoding.log"

    def report(line: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{stamp} {study} (process {os.getpid()}): {line}\n")

    return report
