"""A Ray cluster that is gone: for a cluster of our own, the parent of this process begins it again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.cluster.supervisor import (
    DONE,
    REFUSED,
    begin_again,
    begins_again,
    hear_signals,
    is_stopping,
    lost_for_good,
    tell,
)


class LostClusterError(BaseException):
    """The cluster on which a sweep runs is gone, or does not come up.

    Not an ``Exception``: nothing between Ray and the command may take it for a trial's own.
    reason: what happened, in words. address: of somebody else's cluster, which cannot be started again; ''
    for our own. final: whether a new start would come to the same end.
    """

    def __init__(self, reason: str, address: str = "", final: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.address, self.final = reason, address, final

    @property
    def told(self) -> UserError | None:
        """What to end with; None when Ray should be started again."""
        if self.final:
            return UserError(Problem(f"Ray does not work here: {self.reason}"))
        if self.address or not begins_again():
            return lost_for_good(self.reason, self.address)
        return None


@contextmanager
def starting_again() -> Iterator[None]:
    """Within, this process is the command's own: a lost cluster makes it start anew, as after a kill -9.

    Raises ``UserError`` where a new start is of no use.
    """
    global _ours
    _ours = True
    hear_signals()
    try:
        yield
    except LostClusterError as lost:
        if lost.told is not None:
            raise lost.told from None
        begin_again(lost.reason)
    finally:
        _ours = False


def last_resort(lost: LostClusterError) -> None:
    """As :func:`starting_again`, out of any thread, when the main one hears nothing any more."""
    if not _ours:
        return
    if lost.told is None or is_stopping():
        begin_again(lost.reason)
    tell(DONE)
    with suppress(OSError):
        os.write(2, f"\nerror: {lost.told}\n".encode())
    os._exit(REFUSED)


_ours = False
