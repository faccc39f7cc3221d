"""Names of the user's own classes: prompts are made of them, so numbers and nothing at all are refused."""

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nemesis_sweep.data.classnames import clean
from nemesis_sweep.data.lists import read_list
from nemesis_sweep.spec.errors import Problem, UserError, nearest
from nemesis_sweep.spec.faults import listed

FILE = "classnames.txt"
NUMBER = re.compile(r"[+-]?(?:\d[\d\s_,.']*|[.,]\d+)(?:e[+-]?\d+)?%?", re.IGNORECASE)
NOT_TOLD_APART = re.compile(r"[\s_-]+")
SEPARATORS = " \t,:;="


def names_file(path: Path) -> Path:
    """Where other names for the classes may stand: in a folder `classnames.txt`, beside `x.csv` `x.classnames.txt`."""
    return path / FILE if path.is_dir() else path.with_name(f"{path.stem}.{FILE}")


def called(labels: Sequence[str], path: Path, column: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What the classes with these labels are called, and notes.

    A line of the names file counts first, then the table's column ``name``, then the label itself.
    Raises ``UserError`` for a names file with a line that is no label and a name, or with two for one label.
    """
    file = names_file(path)
    listed_names, notes = _read(file, labels) if file.exists() else ({}, [])
    return [listed_names.get(label) or column.get(label) or label for label in labels], notes


def _read(file: Path, labels: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Names by label; a note on lines for classes that are not there."""
    names: dict[str, str] = {}
    unknown: list[str] = []
    longest_first = sorted(labels, key=len, reverse=True)
    for number, line in enumerate(read_list(file, "list of class names").splitlines(), 1):
        text = line.strip()
        if not text:
            continue
        label = next((each for each in longest_first if _begins(text, each)), "")
        if not label:
            unknown.append(re.split(f"[{SEPARATORS}]", text, maxsplit=1)[0])
            continue
        name = text[len(label) :].strip(SEPARATORS)
        if not name or label in names:
            message = f"a second name for {label!r}" if name else "no name"
            raise UserError(Problem(message, "", str(file), number, repr(line[:80]), "LABEL NAME on each line"))
        names[label] = name
    note = f"{file.name} names classes that are not there: {listed(unknown)}"
    near = nearest(unknown[0], [label for label in labels if label not in names]) if unknown else ""
    return names, [note + (f" (did you mean {near!r}?)" if near else "")] if unknown else []


def _begins(text: str, label: str) -> bool:
    return text == label or (text.startswith(label) and text[len(label)] in SEPARATORS)


def check_names(labels: Sequence[str], names: Sequence[str], what: str, path: Path, line: int | None) -> None:
    """Refuse fewer than two classes, and names of which no prompt can be made.

    labels: how the data writes the classes. what: what carries the names there, such as `labels`.
    Raises ``UserError`` with everything that is wrong, and what to do.
    """
    file = str(path)
    ways = f"words, for prompts are made of them: write a line `{labels[0] if labels else 'LABEL'} NAME` for each class in {names_file(path)}"
    if line is not None:
        ways += ", or add a column `name`"
    problems = []
    if len(names) < 2:
        found = listed([repr(name) for name in names]) or "none"
        problems.append(Problem("fewer than two classes", file=file, found=found, allowed="two or more"))
    key = "label" if line is not None else ""
    empty = [label for label, name in zip(labels, names, strict=True) if not _says_something(name)]
    if empty:
        found = listed([repr(label) for label in empty])
        problems.append(Problem("an empty class name", key, file, line, found, ways))
    not_text = [label for label, name in zip(labels, names, strict=True) if not _is_text(name)]
    if not_text:
        found = listed([ascii(label) for label in not_text])
        problems.append(Problem("a class name that is not UTF-8", key, file, line, found, ways))
    numbers = [name for name in names if NUMBER.fullmatch(clean(name))]
    if numbers:
        problems.append(Problem(f"{what} are numbers", key, file, line, listed(numbers), ways))
    if problems:
        raise UserError(problems)


def _says_something(name: str) -> bool:
    """Whether there is more in it than punctuation, spaces and characters that nobody sees."""
    return any(unicodedata.category(char)[0] not in "PZC" for char in name.replace("_", ""))


def _is_text(name: str) -> bool:
    return not any(unicodedata.category(char) == "Cs" for char in name)


def alike(names: Sequence[str]) -> Iterator[str]:
    """A line on classes that get the same prompt, and one on those that a prompt can hardly tell apart."""
    same, near = _groups(names, clean), _groups(names, _folded)
    if same:
        yield f"classes with the same prompt: {listed(same)}"
    near = [group for group in near if group not in same]
    if near:
        yield f"class names that differ only in case, spaces, `_`, `-` or a last full stop: {listed(near)}"


def _groups(names: Sequence[str], key) -> list[str]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(repr(name))
    return [" and ".join(group) for group in groups.values() if len(group) > 1]


def _folded(name: str) -> str:
    """As CLIP's tokenizer sees it: without case, with HTML's names and compatible characters replaced."""
    text = unicodedata.normalize("NFKC", html.unescape(html.unescape(name))).casefold()
    return NOT_TOLD_APART.sub("", text).rstrip(".")
