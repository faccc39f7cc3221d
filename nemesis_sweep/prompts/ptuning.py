"""P-tuning: CoOp's context, produced by a small network of embeddings that are learnt (Liu et al., 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nemesis_sweep.prompts.context import INIT_STD
from nemesis_sweep.prompts.coop import CoOp
from nemesis_sweep.prompts.prompt_encoder import PromptEncoder
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import PTuningFields
from nemesis_sweep.vlm.backbone import Backbone


class PTuning(CoOp):
    """R contexts ``(R, M, D)`` that stand where CoOp's stand.

    PUN sees the norms of the produced vectors, and PAN scales them; they are all that is saved.
    """

    fields = PTuningFields

    @classmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """What the networks produce before training."""
        with torch.no_grad():
            return cls.network(backbone, method, classnames, generators)()

    @classmethod
    def network(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> nn.Module:
        """The networks, whose contexts' entries start with the standard deviation of CoOp's."""
        recurrent = method.prompt_encoder == "lstm"
        sizes = method.n_ctx, backbone.text.width, method.encoder_hidden
        return PromptEncoder(*sizes, recurrent, INIT_STD, generators)
