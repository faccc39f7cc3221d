"""What a sweep that ends early leaves: the rows of the trials that are over, as at its end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from nemesis_sweep.sweep.cluster.lost import LostClusterError
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.rows import trial_rows
from nemesis_sweep.sweep.study import Study

Keep = Callable[[list[Row]], object]
"""Takes the rows of a sweep."""

SECONDS = 2.0
"""How long an end may be put off: a database or a disk that does not answer would do so for minutes."""


def rows_of(studies: Sequence[Study], home: Path, over: bool = False) -> list[Row]:
    """The rows of all trials, also of those that wait for another run; or only of those that are over."""
    return [
        row
        for study in studies
        for number, trial in study.trials()
        if trial.state.is_finished() or not over
        for row in trial_rows(study, number, trial, home)
    ]


@contextmanager
def kept_at_an_early_end(rows: Callable[[], list[Row]], keep: Keep | None) -> Iterator[None]:
    """Hand the ``rows`` that there are to ``keep`` when what is within ends by an error or an interrupt.

    That error is raised whatever becomes of the rows; nothing is done where the sweep only starts again.
    """
    try:
        yield
    except BaseException as error:
        over = not isinstance(error, LostClusterError) or error.told is not None
        if keep is not None and over:
            thread = Thread(target=_hand_over, args=(rows, keep), daemon=True)
            thread.start()
            thread.join(SECONDS)
        raise


def _hand_over(rows: Callable[[], list[Row]], keep: Keep) -> None:
    with suppress(Exception):
        if found := rows():
            keep(found)
