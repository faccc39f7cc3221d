"""Short names of a sweep's tasks: what they are called as, and nothing that all of them share."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nemesis_sweep.files.current_folder import expanded, here
from nemesis_sweep.spec.data_root import data_root
from nemesis_sweep.spec.tasks import Task

LONGEST = 60
HUB, WEIGHTS = "hf-hub:", ".safetensors"
RESERVED = frozenset({"accuracy", "loss", "source", "base", "new"})
"""Names below `test/` that are not a target's."""


@dataclass(frozen=True)
class Names:
    """What a home calls its tasks, each with its name, and targets: dataset as written -> name.

    They stay once they are given: studies, folders and metrics are found by them.
    """

    tasks: tuple[Task, ...] = ()
    targets: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Origin:
    """What a dataset or backbone is called as, and what tells it from another of that name, nearest first.

    after: whether that stands behind the name, as a tag does, or before it, as a parent folder does.
    """

    base: str
    around: tuple[str, ...] = ()
    after: bool = False

    def called(self, around: Iterable[str]) -> str:
        beside = [plain for part in around if (plain := file_name(part))]
        parts = [self.base, *beside] if self.after else [*reversed(beside), self.base]
        return "-".join(parts)


def named(tasks: Sequence[Task], known: Names | None = None) -> list[Task]:
    """Return the tasks with their names, such as `digits-4shot`.

    A dataset is called as its folder or file, a backbone as its architecture, repository or folder. Where two
    would be called alike, be it but for the case of letters, the nearest parent folder or tag that tells them
    apart is added, else a hash. Backbone and protocol are left out where all tasks share them.
    known: names that there were before; they stay, and new ones keep clear of them.
    """
    known = known or Names()
    every = [*known.tasks, *tasks]
    root = next((task.root for task in tasks), None)
    datasets = told_apart({task.dataset: dataset_origin(task.dataset, root) for task in every})
    backbones = told_apart({task.backbone: backbone_origin(task.backbone) for task in every})
    several = len({task.protocol for task in every}) > 1
    given = {task.identity: task.name for task in known.tasks}
    taken = {name.casefold() for name in given.values()}
    targets = target_names(tasks[0].targets, root) if tasks else {}
    targets |= known.targets or {}
    found = []
    for task in tasks:
        name = given.get(task.identity)
        if name is None:
            parts = [datasets[task.dataset], f"{task.shots}shot"]
            parts += [task.protocol] * several + [backbones[task.backbone]] * (len(backbones) > 1)
            name = "-".join(parts)
            name = f"{name}-{_hash(task.identity)}" if name.casefold() in taken else name
            taken.add(name.casefold())
        found.append(replace(task, name=name, target_names=tuple(targets[each] for each in task.targets)))
    return found


def target_names(targets: Sequence[str], root: str | None) -> dict[str, str]:
    """Return what each target's metric is called after `test/`."""
    called = told_apart({name: dataset_origin(name, root) for name in targets})
    return {
        name: f"{own}-{_hash(name)}" if own.casefold() in RESERVED else own for name, own in called.items()
    }


def told_apart(origins: Mapping[str, Origin]) -> dict[str, str]:
    """Return a name for each, none like another; letters that differ in case only do not tell apart."""
    alike: dict[str, dict[str, Origin]] = {}
    for name, origin in origins.items():
        alike.setdefault(origin.base.casefold(), {})[name] = origin
    found = {name: own for group in alike.values() for name, own in _told_apart(group).items()}
    # One that had to be made longer may meet another that is called so.
    count = Counter(own.casefold() for own in found.values())
    return {
        name: own if count[own.casefold()] == 1 or own == origins[name].base else f"{own}-{_hash(name)}"
        for name, own in found.items()
    }


def _told_apart(group: Mapping[str, Origin]) -> dict[str, str]:
    """Names for those of one base."""
    if len(group) == 1:
        return {name: origin.base for name, origin in group.items()}
    levels = range(max(len(origin.around) for origin in group.values()))
    places = [slice(level, level + 1) for level in levels] + [slice(level + 1) for level in levels]
    for place in places:
        found = {name: origin.called(origin.around[place]) for name, origin in group.items()}
        if len({own.casefold() for own in found.values()}) == len(group):
            return found
    return {name: f"{origin.base}-{_hash(name)}" for name, origin in group.items()}


def dataset_origin(name: str, root: str | None = None) -> Origin:
    """What a dataset is called as: the folder or file of a path, the name of any other.

    root: where relative paths start.
    """
    if not _is_path(name):
        *kind, own = name.split(":")
        return Origin(file_name(own, "dataset"), tuple(kind))
    *parents, own = _parts(name, data_root(root))
    return Origin(file_name(own, "dataset"), tuple(reversed(parents)))


def backbone_origin(name: str) -> Origin:
    """What a backbone is called as: architecture, name of a repository, or folder."""
    if name.startswith(HUB):
        repository, _, revision = name.removeprefix(HUB).partition("@")
        owner, _, own = repository.rpartition("/")
        return Origin(file_name(own, "backbone"), (revision, owner), after=True)
    architecture, at, tag = name.partition("@")
    if at and not _is_path(architecture):
        around = tuple(reversed(_parts(tag.removesuffix(WEIGHTS)))) if _is_path(tag) else (tag,)
        return Origin(file_name(architecture, "backbone"), around, after=True)
    if not _is_path(name):
        return Origin(file_name(name, "backbone"))
    *parents, own = _parts(name)
    if own.endswith(WEIGHTS) and parents:  # The weights file of a folder stands for the folder.
        *parents, folder = parents
        return Origin(file_name(folder, "backbone"), (*reversed(parents), own.removesuffix(WEIGHTS)))
    return Origin(file_name(own, "backbone"), tuple(reversed(parents)))


def file_name(text: str, instead: str = "") -> str:
    """Return `text` as part of a file name that every system takes.

    Accents are dropped (`café` is `cafe`); where other letters are lost, a hash stands in their place.
    instead: what stands for a text of which nothing is left.
    """
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.") or instead
    if any(char.isalnum() and not char.isascii() for char in plain):
        safe = f"{safe}-{_hash(text)}".lstrip("-.")
    return safe if len(safe) <= LONGEST else f"{safe[: LONGEST - 9]}-{_hash(text)}"


def _is_path(name: str) -> bool:
    return "/" in name or name.startswith(("~", ".")) or name.endswith(WEIGHTS)


def _parts(name: str, root: Path | None = None) -> tuple[str, ...]:
    """The folders of a path from the root of the disk on, and its own name; at least one, perhaps empty."""
    path = os.path.normpath((root or here()) / expanded(name))
    return Path(path).parts[1:] or ("",)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
