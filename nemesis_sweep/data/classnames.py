"""Class names as a person writes them, for prompts."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError


def clean(name: str) -> str:
    """``car_side`` as ``car side``: underscores become spaces, spaces become one."""
    return " ".join(name.replace("_", " ").split())


def is_name(name: str) -> bool:
    """Whether it is a text that can be printed: not empty, no half character, no control character."""
    return bool(name.strip()) and not any(unicodedata.category(char) in ("Cs", "Cc") for char in name)


def words_of(name: str) -> str:
    """``ApplyEyeMakeup`` as ``Apply Eye Makeup``: a word begins at each capital letter."""
    return clean(re.sub(r"(?=[A-Z])", " ", name))


def year_first(name: str) -> str:
    """``Audi S4 Sedan 2012`` as ``2012 Audi S4 Sedan``, the order of CoOp's split file."""
    words = name.split()
    return " ".join([words[-1], *words[:-1]])


def in_order(names: Mapping[int, str], file: Path, first: int = 0) -> list[str]:
    """The names by label. Raises ``UserError`` when the labels do not count from ``first``."""
    if not names or sorted(names) != list(range(first, first + len(names))):
        found = counted(len(names), "label") + (f", {min(names)} to {max(names)}" if names else "")
        allowed = f"labels that count from {first} without a gap"
        raise UserError(Problem("labels with gaps", file=str(file), found=found, allowed=allowed))
    return [names[label] for label in sorted(names)]
