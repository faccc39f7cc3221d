"""KgCoOp: CoOp, pulled towards the class features of a hand-written prompt (Yao et al., 2023)."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from nemesis_sweep.prompts.coop import CoOp
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.prompts.text_classifier import TextClassifier


class KgCoOp(CoOp):
    """loss = CE + anchor_weight * (1 - mean_c cos(t_c, w_c)), w_c the feature of the template for class c."""

    @cached_property
    def anchors(self) -> Tensor:
        """CLIP's own class features ``(C, E)``, L2-normalised: computed once, by training alone."""
        template = self.method.anchor_template or self.template
        texts = [template.replace("{}", name.replace("_", " ")) for name in self.classnames]
        with torch.no_grad():
            return self.backbone.encode_texts(texts).to(self.context)

    def regulariser(self, classifier: ImageClassifier, images: Tensor, logits: Tensor) -> Tensor | None:
        """The pull ``(R,)``; None at weight 0, which is CoOp."""
        if self.method.anchor_weight == 0:
            return None
        assert isinstance(classifier, TextClassifier)
        cosines = (classifier.texts * self.anchors).sum(dim=-1)
        return self.method.anchor_weight * (1 - cosines.mean(dim=-1))
