"""One step."""


def step(epoch: int, epochs: int, after: float, end: float) -> float:
    """1 until the share ``after`` of the epochs is over, then ``end``."""
    return 1.0 if epoch < after * epochs else end
