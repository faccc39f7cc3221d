"""What prompts with vectors before blocks of the image tower share, whatever stands among the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.prompts.context import random_context
from nemesis_sweep.prompts.image_passes import patch_norms
from nemesis_sweep.prompts.learner import Learner
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.reads import PIXELS
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.image_states import PromptedTower, image_blocks, states_shape


@dataclass(frozen=True, eq=False)
class Prompted:
    """A prompt at work in the image tower: vectors ``(R, J, P, W)`` before blocks of the tower, and the class
    features ``(R, C, E)`` or ``(C, E)``, L2-normalised, that an image is compared with."""

    tower: PromptedTower
    vectors: Tensor
    texts: Tensor


class ImageTowerLearner(Learner):
    """Prompts that see the tokens of images before the last ``vision_last`` blocks, or their bytes.

    tower: those blocks; what is in front of them is frozen, and kept.
    """

    reads = PIXELS

    def __init__(
        self,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        values: Mapping[str, Tensor],
        template: str = DEFAULT_TEMPLATE,
    ) -> None:
        super().__init__(backbone, method, classnames, values, template)
        self.reads = method.reads
        self.tower = PromptedTower(backbone.visual, method.vision_last, backbone.preprocess)

    @property
    def image_shape(self) -> tuple[int, ...]:
        return self.backbone.image_shape(self.reads)

    @torch.no_grad()
    def norms_of_patches(self, images: Tensor, visual: Tensor) -> Tensor:
        """What is usual where vectors ``visual`` ``(R, J, P, W)`` stand, ``(R, J * P)``: the mean norm of the
        patches of a replicate's images before the same block."""
        depth, beside = visual.shape[1:3]
        return patch_norms(self.tower, images, depth).repeat_interleave(beside, dim=1)


def start_visual(backbone: Backbone, method: Method, generators: Sequence[torch.Generator]) -> Tensor:
    """Vectors ``(R, J, P, W)`` before training, N(0, 0.02^2).

    Raises ``UserError`` for a tower without such blocks, or not so many.
    """
    backbone.image_shape(method.reads)
    _, width = states_shape(backbone.visual)
    depth, there = method.prompt_depth_vision, method.vision_last or image_blocks(backbone.visual)
    if depth is not None and depth > there:
        message = "more blocks with vectors of their own than there are with vectors"
        raise UserError(Problem(message, "prompt_depth_vision", found=str(depth), allowed=f"at most {there}"))
    return random_context((depth or there, method.n_ctx_vision, width), generators)
