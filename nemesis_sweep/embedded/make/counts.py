"""Write how many images each class of the embedded sets has: `counts.json`, for commands that only look."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from nemesis_sweep.data.class_counts import SHIPPED_COUNTS, counts_of
from nemesis_sweep.data.registry import EMBEDDED, load_dataset


def counts_text() -> str:
    """The file's text: a line for each set."""
    lines = [f"{json.dumps(name)}: {json.dumps(asdict(counts_of(load_dataset(name))))}" for name in EMBEDDED]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) / SHIPPED_COUNTS.name).write_text(counts_text(), encoding="utf-8")
