"""A straight line."""


def linear(epoch: int, epochs: int, end: float) -> float:
    """From 1 in the first epoch to ``end`` in the last one; above 1 it rises."""
    return 1.0 + (end - 1.0) * epoch / max(1, epochs - 1)
