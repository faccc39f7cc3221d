"""The network of prefix-tuning: keys and values of every block from one embedding a position."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nemesis_sweep.prompts.context import INIT_STD
from nemesis_sweep.prompts.prompt_encoder import Linears


class PrefixNetwork(nn.Module):
    """Gives keys and values ``(R, J, M, D)``: start + Linear(tanh(Linear(embedding))).

    Of an embedding ``(R, M, D)`` for each position; what the network makes of it has the order (J, 2, D),
    key, then value, as the public code has it. start: ``(J, 2, M, D)``, not learnt, which the public code
    lacks. Embeddings start from N(0, 1), layers as torch's own do, but that the last is scaled: what is added
    to the start begins with entries of deviation 0.02.
    """

    start: Tensor

    def __init__(self, start: Tensor, hidden: int, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        blocks, _, length, width = start.shape
        self.register_buffer("start", start, persistent=False)
        self.embedding = nn.Parameter(
            torch.stack([torch.randn(length, width, generator=g) for g in generators])
        )
        self.inner = Linears(width, hidden, generators)
        self.outer = Linears(hidden, blocks * 2 * width, generators)
        with torch.no_grad():
            factors = INIT_STD / self._added().flatten(1).std(dim=1, correction=0)
            for parameter in self.outer.parameters():
                parameter.mul_(factors.view(-1, *[1] * (parameter.ndim - 1)))

    def _added(self) -> Tensor:
        """``(R, M, J * 2 * D)``."""
        added: Tensor = self.outer(self.inner(self.embedding).tanh())
        return added

    def forward(self) -> dict[str, Tensor]:
        blocks, _, _, width = self.start.shape
        pairs = self.start + self._added().unflatten(2, (blocks, 2, width)).permute(0, 2, 3, 1, 4)
        return {"prefix_keys": pairs[:, :, 0], "prefix_values": pairs[:, :, 1]}
