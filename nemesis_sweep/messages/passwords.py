"""Passwords in addresses: used, but never printed or written down."""

from __future__ import annotations

import re

MASK = "***"

# `://user:`, also as a part of another address, where it is percent-encoded.
_ACCOUNT = re.compile(r"(?:://|%3A%2F%2F)(?:(?!%3A|%2F)[^/\s:'\"])*(?::|%3A)", re.IGNORECASE)
# `user:` without a scheme, but not `hf-hub:ORG/NAME@TAG` and other prefixes that are nobody's account.
_BARE = re.compile(r"(?<![\w.+-])(?!(?:hf-hub|local-dir|mailto):)[A-Za-z_][\w.+-]*:(?!//)")
# A blank in a password, told from the blank behind a port.
_BLANK = re.compile(r"(://[^/\s:'\"]*):(?!\d{1,5}\b)[^\s@]{0,100}[^\S\n][^\n@]{0,100}(?=@)")
# What stands alone before the @ of a web address is a token.
_TOKEN = re.compile(r"(https?://)[^/\s:'\"?#]+(?=@)", re.IGNORECASE)
# Up to the next name of the query, for a password may hold `;`, `#` and quotes.
_VALUE = r"[^&\s]+?(?=['\"),.\]}]*(?:[&\s]|$)|['\"]?;[\w.\-]+=)"
# `odbc_connect` holds a whole connection string, its password too. `ssl_key` names a file.
_SECRET = re.compile(
    r"([?&;](?!ssl_?key=)[\w.\-%]{0,60}"
    r"(?:pass|pwd|token|secret|key|credential|auth|signature|odbc_connect)[\w.\-%]{0,60}=)" + _VALUE,
    re.IGNORECASE,
)
# `host=h password=...`, as PostgreSQL's own client takes it.
_NAMED = re.compile(r"((?<![\w.-])(?:ssl)?(?:password|passwd|pwd|token|secret)=)" + _VALUE, re.IGNORECASE)


def masked(text: str) -> str:
    """Return the text with `***` for what is secret in every address.

    That is the password of `scheme://user:password@host` and of `user:password@host`, a token in the place of
    the user of a web address, and whatever is named like a secret (`?password=...`, `&token=...`). Where it
    is not clear where a password ends, more is hidden rather than less.
    """
    text = re.sub(r"\S+", lambda word: _without_password(word.group()), text)
    text = _TOKEN.sub(rf"\g<1>{MASK}", _BLANK.sub(rf"\1:{MASK}", text))
    return _NAMED.sub(rf"\g<1>{MASK}", _SECRET.sub(rf"\g<1>{MASK}", text))


def _without_password(word: str) -> str:
    """A word without its account's password, which ends at the last @ or, where that is encoded, %40."""
    for at in ("@", "%40"):
        before, sign, after = word.rpartition(at)
        if sign and (account := _ACCOUNT.search(before) or _BARE.search(before)):
            end = account.end()
            # The @ may belong to a secret of the query, which then ends behind it.
            unsure = _SECRET.search(before, end) or _ACCOUNT.search(before, end)
            return before[:end] + MASK + sign + ("" if unsure else _without_password(after))
    return word


def is_masked(text: str) -> bool:
    """Whether something secret was taken out of an address."""
    return MASK in text
