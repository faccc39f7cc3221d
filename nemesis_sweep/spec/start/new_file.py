"""A sweep file of one's own, from one that ships."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from nemesis_sweep.messages.printable import quoted
from nemesis_sweep.spec.dropped_tasks import TABLES
from nemesis_sweep.spec.source import read_text
from nemesis_sweep.spec.start.edited import with_value, without

COLUMNS = 110
COMMENTS = {
    "shots": "training images of each class",
    "dataset": "`nemesis-sweep datasets` lists those with a name",
    "backbone": "`nemesis-sweep backbones` lists them",
}
COMMAND = "    nemesis-sweep"
OF_ITS_TASKS = ("Costs ", "Runs on what ships", "Nothing is downloaded", "Needs ", "With `--set tasks.")
"""How sentences begin that are true only of the tasks that the shipped file has."""


def new_text(source: Path, file: str, name: str, tasks: Mapping[str, Sequence[str | int]]) -> str:
    """Return the text of a shipped sweep file under another name and with other tasks, comments kept.

    file: where it is going to be, as its commands name it. tasks: `dataset`, `shots` and `backbone` that
    differ. Entries of `method.per_dataset` and `method.per_shots` go with the tasks that they are for.
    """
    before = source.read_text(encoding="utf-8")
    text = with_value(before, ("name",), name, f"the sweep's home is ./sweeps/{name}")
    for key, values in tasks.items():
        value = values[0] if len(values) == 1 else list(values)
        text = with_value(text, ("tasks", key), value, COMMENTS[key])
    data = read_text(before, str(source)).data
    for table, axis in TABLES.items():
        if axis in tasks:
            entries = data.get("method", {}).get(table, {})
            for entry in [entry for entry in entries if entry not in tasks[axis]]:
                text = without(text, ("method", table, entry))
    head, _, rest = text.partition("\nname:")
    return f"{_header(head, source.stem, file, bool(tasks))}\nname:{rest}"


def _header(head: str, name: str, file: str, other_tasks: bool) -> str:
    """The comments on top, with this file's own commands."""
    lines = [line.removeprefix("#").removeprefix(" ") for line in head.splitlines()]
    parts = "\n".join(line for line in lines if "nemesis-sweep init" not in line).split("\n\n")
    if other_tasks:
        parts = [_of_other_tasks(part) for part in parts]
    parts.append(f"Written by `nemesis-sweep init` from {name}.yaml, one of the sweep files that ship.")
    text = "\n\n".join(part for part in parts if part)
    text = text.replace(f"search_spaces/{name}.yaml", quoted(file))
    text = re.sub(r"`?search_spaces/(\w+)\.yaml`?", r"`nemesis-sweep init \1`", text)
    return "\n".join(f"# {line}".rstrip() for line in text.splitlines()) + "\n"


def _of_other_tasks(part: str) -> str:
    """A paragraph without what it says of the tasks; where it has the commands, with the one that says it."""
    if part.startswith(COMMAND):
        run = [line.partition("  #")[0].rstrip() for line in part.splitlines()]
        plan = [] if "plan" in part else [f"{run[-1].replace(' run ', ' plan ')}      # what it costs"]
        return "\n".join([*plan, *(run if plan else part.splitlines())])
    sentences = [" ".join(each.split()) for each in re.split(r"(?<=\.)\s+(?=[A-Z`])", part)]
    kept = [each for each in sentences if not each.startswith(OF_ITS_TASKS)]
    return part if len(kept) == len(sentences) else textwrap.fill(" ".join(kept), COLUMNS)
