"""Tracebacks of what nobody foresaw: they go into reports of faults, so they show no passwords."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

from nemesis_sweep.messages.passwords import masked


def hide_passwords() -> None:
    """Let an exception that ends this process be printed without the passwords of addresses."""
    sys.excepthook = _print


def _print(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    print(masked("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)
