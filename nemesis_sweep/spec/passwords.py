"""Passwords in addresses: used, but never printed or written down."""

from __future__ import annotations

import re

MASK = "***"

_PASSWORD = re.compile(r"(://[^/\s:@'\"]*):[^\s\"]*(?=@)")
# What stands alone before the @ of a web address is a token.
_TOKEN = re.compile(r"(https?://)[^/\s:@'\"?#]+(?=@)", re.IGNORECASE)
# `odbc_connect` holds a whole connection string, its password too.
_SECRET = re.compile(
    r"([?&;][\w.\-]*(?:pass|pwd|token|secret|key|credential|auth|signature|odbc_connect)[\w.\-]*=)[^&;\s'\"#]+",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return the text with `***` for what is secret in every address.

    That is the password of `scheme://user:password@host`, a token in the place of the user of a web address,
    and whatever is named like a secret in a query (`?password=...`, `&token=...`).
    """
    text = _PASSWORD.sub(rf"\1:{MASK}", text)
    return _SECRET.sub(rf"\g<1>{MASK}", _TOKEN.sub(rf"\g<1>{MASK}", text))


def is_masked(text: str) -> bool:
    """Whether something secret was taken out of an address."""
    return f":{MASK}@" in text or f"/{MASK}@" in text or f"={MASK}" in text
