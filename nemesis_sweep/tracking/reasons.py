"""Why MLflow did not do something, in a line: its errors repeat addresses and wrap others in others."""

from __future__ import annotations

import re

from nemesis_sweep.spec.passwords import masked

TOLD = 300
"""Characters that are told."""

_POOL = re.compile(r"HTTPS?Connection(?:Pool)?\([^)]*\): (.*)")


def reason(error: BaseException) -> str:
    """The innermost cause, on one line and without passwords."""
    text = " ".join(str(getattr(error, "orig", None) or error).split()) or type(error).__name__
    _, wrapped, cause = text.rpartition("Caused by ")
    if wrapped:
        within = _POOL.search(cause)
        text = within[1] if within else cause.partition("(")[2]
        text = text.partition(" (read timeout")[0].strip("\"')")
        if "', " in text:  # An exception in another one's arguments.
            text = text.rpartition("'")[2]
    return masked(text)[:TOLD]
