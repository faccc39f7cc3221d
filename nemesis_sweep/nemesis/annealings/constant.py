"""The same weight throughout."""


def constant(epoch: int, epochs: int) -> float:
    """1 in every epoch: what the published code uses for Food101 and OxfordPets."""
    return 1.0
