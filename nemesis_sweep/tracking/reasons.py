"""Why MLflow did not do something, in a line: its errors repeat addresses and wrap others in others."""

from __future__ import annotations

import os
import re

from nemesis_sweep.messages.passwords import masked

TOLD = 300
"""Characters that are told."""

_POOL = re.compile(r"HTTPS?Connection(?:Pool)?\([^)]*\): (.*)")


def reason(error: BaseException) -> str:
    """The innermost cause, on one line and without passwords; of a proxy, which variable names it."""
    text = " ".join(str(getattr(error, "orig", None) or error).split()) or type(error).__name__
    proxy = _proxy(text)
    _, wrapped, cause = text.rpartition("Caused by ")
    if wrapped:
        within = _POOL.search(cause)
        text = within[1] if within else cause.partition("(")[2]
        text = text.partition(" (read timeout")[0].strip("\"')")
        if "', " in text:  # An exception in another one's arguments.
            text = text.rpartition("'")[2]
    return masked(proxy + text)[:TOLD]


def _proxy(text: str) -> str:
    """The proxy that could not be reached or refused, with its variable, as `requests` takes them."""
    if "ProxyError(" not in text:
        return ""
    scheme = "https" if "HTTPSConnectionPool(" in text else "http"
    names = [form for name in (f"{scheme}_proxy", "all_proxy") for form in (name, name.upper())]
    found = next((name for name in names if os.environ.get(name)), None)
    return f"the proxy of ${found}, {os.environ[found]}: " if found else "the proxy: "
