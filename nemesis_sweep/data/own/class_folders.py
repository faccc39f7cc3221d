"""A folder of class folders, with or without train, val and test around them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.own.class_names import FOLDERS, names_file
from nemesis_sweep.data.own.rows import SPLIT_WORDS, Row, dataset_of, split_in
from nemesis_sweep.data.own.tree import Bound, EnoughError, Found, identity, look_below, look_in
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed

EXPECTED = "FOLDER/CLASS/image.jpg, or FOLDER/{train,val,test}/CLASS/image.jpg"
SHOWN = 3
"""Files that a line names."""


@dataclass(frozen=True)
class Part:
    """A class folder and what it gives. place: the folder of a split that it is in, or ''."""

    place: str
    name: str
    found: Found

    @property
    def path(self) -> str:
        return f"{self.place}/{self.name}" if self.place else self.name

    @property
    def inside(self) -> list[str]:
        """Names of the folders in it that hold images."""
        return sorted({below.partition("/")[0] for below in self.found.deeper})


@dataclass
class Folders:
    """What was found in a dataset's folder.

    names: of the classes, sorted. beside: what lies beside class folders, by place. again: class folders that
    lead back. unseen: class folders that were not looked at, where only so many files were.
    """

    folder: Path
    names: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    beside: dict[str, Found] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    unseen: int = 0

    @property
    def images(self) -> int:
        return sum(len(part.found.images) for part in self.parts)


def look_at(folder: Path, files: int | None = None) -> Folders:
    """Look through a dataset's folder; with ``files``, through about so many files at most.

    Raises ``UserError`` for class folders beside splits, and for a folder that cannot be listed.
    """
    bound = Bound(files)
    folders = Folders(folder)
    try:
        folders.beside[""], below = look_in(folder, bound)
        splits = [each for each in below if each.lower() in SPLIT_WORDS]
        if splits and len(splits) < len(below):
            found = listed([each for each in below if each not in splits])
            raise UserError(Problem("class folders beside splits", "", str(folder), None, found, EXPECTED))
        if not splits and len({split_in(each) for each in below} - {""}) > 1 and all(map(split_in, below)):
            allowed = f"{EXPECTED}; rename them"
            problem = Problem("folders that look like splits", "", str(folder), None, listed(below), allowed)
            raise UserError(problem)
        todo = [("", name) for name in below if not splits]
        for place in splits:
            folders.beside[place], inside = look_in(folder / place, bound)
            todo += [(place, name) for name in inside]
    except EnoughError:
        folders.unseen = 1
        return folders
    tops = {identity(folder / place) for place in folders.beside}
    back = [each for each in todo if identity(folder.joinpath(*each)) in tops]
    folders.again = ["/".join(filter(None, each)) for each in back]
    todo = [each for each in todo if each not in back]
    folders.names = sorted({name for _, name in todo})
    for number, (place, name) in enumerate(todo):
        try:
            folders.parts.append(Part(place, name, look_below(folder / place / name, bound)))
        except EnoughError:
            folders.unseen = len(todo) - number
            break
    return folders


def read_class_folders(name: str, folders: Folders) -> Dataset:
    """Classes are the folders' names, sorted; so are the images of each, those in folders inside it too.

    Raises ``UserError`` for a class without images, for names that are no names, and without class folders.
    """
    check(folders)
    rows = [
        Row(Item(0, str(path), path=path), part.name, SPLIT_WORDS.get(part.place.lower(), ""))
        for part in folders.parts
        for path in (folders.folder / part.path / file for file in part.found.images)
    ]
    return dataset_of(name, rows, folders.folder, what=FOLDERS, notes=list(notes(folders)))


def check(folders: Folders) -> None:
    """Raise ``UserError`` where images or classes would be lost, with what to do."""
    file = str(folders.folder)
    for part in folders.parts:
        split = next((each for each in part.inside if each.lower() in SPLIT_WORDS), "")
        if split and not part.place:
            found, place = f"{part.path}/{split}", folders.folder / part.path
            allowed = f"{EXPECTED}; or {place}, if that is the dataset's folder"
            raise UserError(Problem("splits inside class folders", "", file, None, found, allowed))
    if not folders.images and not folders.unseen:
        lost = [_lost(part) for part in folders.parts]
        if beside := sum(len(found.images) for found in folders.beside.values()):
            lost.append(f"{counted(beside, 'image')} beside them")
        raise UserError(Problem("no images in class folders", "", file, None, listed(lost), EXPECTED))
    if len(folders.names) == 1:
        raise UserError(_one_class(folders))
    given = {part.name for part in folders.parts if part.found.images}
    empty = [part for part in folders.parts if part.name not in given]
    if folders.unseen:  # The same class may have images in a split that was not looked at.
        empty = [part for part in empty if not part.place]
    if empty:
        found = listed([_lost(part) for part in empty])
        allowed = "images in every class folder; take away a folder that is no class"
        raise UserError(Problem("class folders without images", "", file, None, found, allowed))


def _one_class(folders: Folders) -> Problem:
    """What is said of one class; where there are folders in it, they may be the classes."""
    found, allowed = repr(folders.names[0]), f"two or more: {EXPECTED}"
    inside = sorted({each for part in folders.parts for each in part.inside})
    if len(inside) > 1:
        found += f", and in it {listed([repr(each) for each in inside])}"
        allowed += f"; or {folders.folder / folders.parts[0].path}, if that is the dataset's folder"
    return Problem("fewer than two classes", "", str(folders.folder), None, found, allowed)


def _lost(part: Part) -> str:
    """A class folder without images, and what is in it instead."""
    kinds = Counter(kind for _, kind in part.found.unread)
    inside = [f"{count} {kind}, which cannot be read here" for kind, count in sorted(kinds.items())]
    if others := len(part.found.others):
        inside.append(f"{counted(others, 'file')} that {'is no image' if others == 1 else 'are no images'}")
    if part.found.hidden:
        inside.append(f"hidden: {listed(part.found.hidden)}")
    return f"{part.path!r} ({', '.join(inside) or 'empty'})"


def notes(folders: Folders) -> Iterator[str]:
    """A line for each kind of thing that is left out, or taken in from an unusual place."""
    deeper = [
        f"{part.path} ({sum(part.found.deeper.values())} in {listed(part.inside)})"
        for part in folders.parts
        if part.found.deeper
    ]
    if deeper:
        yield f"images in folders inside a class folder belong to its class: {listed(deeper)}"
    empty = [part.path for part in folders.parts if not part.found.images]
    if empty:
        yield f"class folders without images: {listed(empty)}"
    silent = [place for place in folders.beside if place and not any(p.place == place for p in folders.parts)]
    if silent and not folders.unseen:
        yield f"splits without class folders are left out: {listed(silent)}"
    yield from _together(folders)
    yield from _left_out(folders)
    again = [*folders.again, *(f"{part.path}/{path}" for part in folders.parts for path in part.found.again)]
    if again:
        yield f"folders that lead back to what was counted are left out: {listed(again)}"


def _together(folders: Folders) -> Iterator[str]:
    """A line for each split that several folders stand for."""
    places: dict[str, list[str]] = {}
    for place in filter(None, folders.beside):
        places.setdefault(SPLIT_WORDS[place.lower()], []).append(place)
    for split, several in places.items():
        if len(several) > 1:
            yield f"folders that are {split} together: {listed(sorted(several))}"


def _left_out(folders: Folders) -> Iterator[str]:
    """Lines on files, first on those that are images by their content alone."""
    by_content = [f"{part.path}/{path}" for part in folders.parts for path in part.found.by_content]
    if by_content:
        yield f"images with unusual endings are read: {_some(by_content, counted(len(by_content), 'file'))}"
    places = [(f"{place}/" if place else "", found) for place, found in folders.beside.items()]
    own = names_file(folders.folder).name
    beside = [
        prefix + path
        for prefix, found in places
        for path in (*found.images, *(path for path, _ in found.unread), *found.others)
        if prefix + path != own
    ]
    if beside:
        images = sum(len(found.images) + len(found.unread) for _, found in places)
        many = f"{counted(len(beside), 'file')}, {counted(images, 'image')} among them"
        yield f"left out beside the class folders: {_some(beside, many)}"
    below = [(f"{part.path}/", part.found) for part in folders.parts]
    unread = [(prefix + path, kind) for prefix, found in below for path, kind in found.unread]
    if unread:
        kinds = ", ".join(
            f"{count} {kind}" for kind, count in sorted(Counter(kind for _, kind in unread).items())
        )
        yield f"left out, for they cannot be read here: {_some([path for path, _ in unread], kinds)}"
    others = [prefix + path for prefix, found in below for path in found.others]
    if others:
        yield f"left out, for they are no images: {_some(others, counted(len(others), 'file'))}"
    nowhere = [prefix + path for prefix, found in (*places, *below) for path in found.nowhere]
    if nowhere:
        yield f"left out, for they lead nowhere: {_some(nowhere, counted(len(nowhere), 'link'))}"
    hidden = [prefix + path for prefix, found in (*places, *below) for path in found.hidden]
    if hidden:
        yield f"left out, for they are hidden: {_some(hidden, str(len(hidden)))}"


def _some(paths: list[str], many: str) -> str:
    """How many there are, and the first of them."""
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"{many} ({', '.join(paths[:SHOWN])}{more})"
