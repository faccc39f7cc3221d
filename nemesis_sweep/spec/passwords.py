"""Passwords in addresses: used, but never printed or written down."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(://[^/\s:@'\"]*):[^\s'\"]*(?=@)")
MASK = "***"


def masked(text: str) -> str:
    """Return the text with the password of every address (`scheme://user:password@host`) as `***`."""
    return _PASSWORD.sub(rf"\1:{MASK}", text)
