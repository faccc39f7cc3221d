"""What a sweep that ends early leaves: the rows of the trials that are over, as at its end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

from nemesis_sweep.sweep.cluster.lost import LostClusterError
from nemesis_sweep.sweep.rows import trial_rows
from nemesis_sweep.sweep.study import Study

Rows = list[dict[str, Any]]
Keep = Callable[[Rows], object]
"""Takes the rows of a sweep, in the form of ``results``."""

SECONDS = 2.0
"""How long an end may be put off: a database or a disk that does not answer would do so for minutes."""


def rows_of(studies: Sequence[Study], home: Path, over: bool = False) -> Rows:
    """The rows of all trials, also of those that wait for another run; or only of those that are over."""
    return [
        row
        for study in studies
        for number, trial in study.trials()
        if trial.state.is_finished() or not over
        for row in trial_rows(study, number, trial, home)
    ]


@contextmanager
def kept_at_an_early_end(rows: Callable[[], Rows], keep: Keep) -> Iterator[None]:
    """Hand the ``rows`` that there are to ``keep`` when what is within ends by an error or an interrupt.

    That error is raised whatever becomes of the rows; nothing is done where the sweep only starts again.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, LostClusterError) or error.told is not None:
            thread = Thread(target=_hand_over, args=(rows, keep), daemon=True)
            thread.start()
            thread.join(SECONDS)
        raise


def _hand_over(rows: Callable[[], Rows], keep: Keep) -> None:
    with suppress(Exception):
        if found := rows():
            keep(found)
