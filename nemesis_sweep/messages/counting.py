"""Counts in lines for people: 1 trial, 2 trials."""


def counted(count: float, one: str, many: str = "") -> str:
    """Return `count` with the noun that goes with it. many: the plural, where it is not `one` and an s."""
    number = f"{count:g}" if isinstance(count, float) else str(count)
    return f"{number} {one if count == 1 else many or one + 's'}"
