"""Random numbers of a replicate: one generator per purpose, so that nothing depends on its neighbours."""

import hashlib
from collections.abc import Sequence

import torch

PURPOSES = ("init", "order", "views", "positions", "noise")


def seeded(seed: int, purpose: str) -> torch.Generator:
    """The generator of one replicate for one purpose (the episode has its own, by the published rule)."""
    digest = hashlib.sha256(f"{purpose}:{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


class Generators:
    """The generators of all replicates, by purpose."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = tuple(seeds)
        self._of = {purpose: [seeded(seed, purpose) for seed in seeds] for purpose in PURPOSES}

    def __getitem__(self, purpose: str) -> list[torch.Generator]:
        return self._of[purpose]

    def state(self) -> dict[str, torch.Tensor]:
        """States as uint8 tensors, ``generator.<purpose>`` of shape ``(R, bytes)``."""
        return {f"generator.{p}": torch.stack([g.get_state() for g in gs]) for p, gs in self._of.items()}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Take up where :meth:`state` left off; one of an earlier version lacks what was not drawn then."""
        for purpose, generators in self._of.items():
            if f"generator.{purpose}" not in state:
                continue
            for generator, value in zip(generators, state[f"generator.{purpose}"], strict=True):
                generator.set_state(value.clone())
