"""The error of a place that is no home of a sweep, with the home that may have been meant."""

from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

from nemesis_sweep.files.nearest_path import MOST, nearest_path
from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.usual_place import SWEEPS


def no_sweep(place: Path) -> UserError:
    """The error of a HOME without a sweep."""
    message = "no sweep in this folder" if place.exists() else "no such folder"
    allowed = "the home of a sweep, such as sweeps/NAME"
    found = str(place)
    return UserError(Problem(message, key="HOME", found=found, allowed=allowed, nearest=home_meant(place)))


def home_meant(place: Path) -> str:
    """An existing path that may have been meant by one without a sweep; '' where none is near.

    A slip in a name, a sweep's name in place of its home, or the folder that the home stands in.
    """
    try:
        return "" if Home(place).is_ours else _home_near(place) or nearest_path(place)
    except (OSError, ValueError):  # What may not be looked at is not meant.
        return ""


def _home_near(place: Path) -> str:
    beside = {home.name: home for home in _homes(place.parent.glob(f"{SWEEPS}/*"))}
    if near := nearest(place.name, beside):
        return str(beside[near])
    below = _homes(chain(place.glob(f"{SWEEPS}/*"), place.glob("*")))
    return str(below[0]) if len(below) == 1 else ""


def _homes(places: Iterable[Path]) -> list[Path]:
    return [place for place in sorted(islice(places, MOST)) if Home(place).is_ours]
