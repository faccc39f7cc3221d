"""What Ray's logs say of workers that do not come up."""

import re
from pathlib import Path

FILES = ("worker-*.err", "raylet.err", "raylet.out", "gcs_server.err")
ERROR = re.compile(r"\b[\w.]*Error\b|[Nn]o module named|[Nn]o such file|[Pp]ermission denied|^error:")


def reason_in(folder: Path) -> str:
    """The last line of Ray's newest session below ``folder`` that tells an error, and the file it is in."""
    logs = sorted(folder.glob("session_2*/logs"))
    for name in FILES if logs else ():
        for log in sorted(logs[-1].glob(name), key=lambda path: path.stat().st_mtime, reverse=True):
            told = [
                line
                for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
                if ERROR.search(line)
            ]
            if told:
                return f"{log.name} says: {told[-1].strip()[:300]}"
    return "Ray's logs do not say why"
