"""What another package's error says, as one line."""

from __future__ import annotations


def reason(error: BaseException) -> str:
    """The error's type and its first line; also its second one where the first one only announces it."""
    lines = str(error).split("\n")
    told = [line.strip() for line in lines if line.strip()]
    words = " ".join(told[: 2 if told and told[0].endswith(":") else 1])
    return f"{type(error).__name__}: {words}".removesuffix(": ")
