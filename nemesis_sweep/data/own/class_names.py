"""Names of the user's own classes: prompts are made of them, so numbers and nothing at all are refused."""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from nemesis_sweep.data.classnames import clean
from nemesis_sweep.data.lists import read_list
from nemesis_sweep.files.regular_file import is_there
from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed

FILE = "classnames.txt"
NUMBER = re.compile(r"[+-]?(?:\d[\d\s_,.']*|[.,]\d+)(?:e[+-]?\d+)?%?", re.IGNORECASE)
NOT_TOLD_APART = re.compile(r"[\s_-]+")
SEPARATORS = " \t,:;="
FOLDERS = "names of class folders"
"""What carries the names where there is no table."""


def names_file(path: Path) -> Path:
    """Where classes may get other names: `classnames.txt` in a folder, `x.classnames.txt` beside `x.csv`."""
    return path / FILE if path.is_dir() else path.with_name(f"{path.stem}.{FILE}")


def called(labels: Sequence[str], path: Path, column: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What the classes with these labels are called, and notes.

    A line of the names file counts first, then the table's column ``name``, then the label itself.
    Raises ``UserError`` for a names file with a line that is no label and a name, or with two for one label.
    """
    file = names_file(path)
    listed_names, notes = _read(file, labels) if is_there(file) else ({}, [])
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
            raise UserError(
                Problem(message, "", str(file), number, repr(line[:80]), "LABEL NAME on each line")
            )
        names[label] = name
    note = f"{file.name} names classes that are not there: {listed(unknown)}"
    near = nearest(unknown[0], [label for label in labels if label not in names]) if unknown else ""
    return names, [note + (f" (did you mean {near!r}?)" if near else "")] if unknown else []


def _begins(text: str, label: str) -> bool:
    return text == label or (text.startswith(label) and text[len(label)] in SEPARATORS)


def check_names(
    labels: Sequence[str], names: Sequence[str], what: str, path: Path, line: int | None = None
) -> None:
    """Refuse fewer than two classes, and names of which no prompt can be made.

    labels: how the data writes the classes. what: what carries the names there, such as `labels`. line: of a
    table, where it has lines.
    Raises ``UserError`` with everything that is wrong, and what to do.
    """
    problems = []
    if len(names) < 2:
        found = listed([repr(name) for name in names]) or "none"
        problems.append(Problem("fewer than two classes", "", str(path), None, found, "two or more"))
    key = "label" if line is not None else ""
    for message, is_wrong in (
        ("an empty class name", _says_nothing),
        ("a class name that is not UTF-8", _is_no_text),
        ("a class name with control characters", _has_controls),
        (f"{what} are numbers", _is_number),
    ):
        wrong = [(label, name) for label, name in zip(labels, names, strict=True) if is_wrong(name)]
        if wrong:
            found = listed([name if is_wrong is _is_number else repr(name) for _, name in wrong])
            advice = _other_names(wrong[0][0], what, path)
            problems.append(Problem(message, key, str(path), line, found, advice))
    if problems:
        raise UserError(problems)


def _other_names(label: str, what: str, path: Path) -> str:
    """How to give classes other names than the data has."""
    column = "" if what == FOLDERS else "a column `name`, or "
    line = f"a line `{label} NAME` for each class in {names_file(path)}"
    return f"words, for prompts are made of them; to give others, {column}{line}"


def _is_number(name: str) -> bool:
    return NUMBER.fullmatch(clean(name)) is not None


def _says_nothing(name: str) -> bool:
    """Whether there is no more in it than punctuation, spaces and characters that nobody sees; or `nan`.

    That is what tables have in place of a label that is missing.
    """
    unseen = all(unicodedata.category(char)[0] in "PZC" for char in name) and not _is_no_text(name)
    return unseen or clean(name).casefold() == "nan"


def _is_no_text(name: str) -> bool:
    return any(unicodedata.category(char) == "Cs" for char in name)


def _has_controls(name: str) -> bool:
    return any(unicodedata.category(char) == "Cc" for char in clean(name))


def numbers(names: Sequence[str]) -> Iterator[str]:
    """A line on names that are only numbers, where they cannot be given others."""
    found = [name for name in names if _is_number(name)]
    if found:
        yield f"class names that are only numbers: {listed(found)}"


def alike(names: Sequence[str]) -> Iterator[str]:
    """A line on classes that get the same prompt, and one on those that a prompt can hardly tell apart."""
    same, near = _groups(names, clean), _groups(names, _folded)
    if same:
        yield f"classes with the same prompt: {listed(same)}"
    near = [group for group in near if group not in same]
    if near:
        only = "case, spaces, `_`, `-`, what is not seen or a last full stop"
        yield f"class names that differ only in {only}: {listed(near)}"


def _groups(names: Sequence[str], key: Callable[[str], str]) -> list[str]:
    """Names that are the same under ``key``, in words."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(repr(name))
    return [" and ".join(group) for group in groups.values() if len(group) > 1]


def _folded(name: str) -> str:
    """As CLIP's tokenizer and people see it: without case and what is not seen, like letters the same."""
    text = unicodedata.normalize("NFKC", html.unescape(html.unescape(name))).casefold()
    text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return NOT_TOLD_APART.sub("", text).rstrip(".")
