"""KgCoOp: CoOp, pulled towards the class features of a hand-written prompt (Yao et al., 2023)."""

from __future__ import annotations

from torch import Tensor

from nemesis_sweep.prompts.coop import CoOp
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.prompts.text_classifier import TextClassifier


class KgCoOp(CoOp):
    """loss = CE + anchor_weight * (1 - mean_c cos(t_c, w_c)), w_c the feature of the template for class c."""

    def regulariser(self, classifier: ImageClassifier, images: Tensor, logits: Tensor) -> Tensor | None:
        """The pull ``(R,)``; None at weight 0, which is CoOp."""
        if self.method.anchor_weight == 0:
            return None
        assert isinstance(classifier, TextClassifier)
        cosines = (classifier.texts * self.anchors).sum(dim=-1)
        return self.method.anchor_weight * (1 - cosines.mean(dim=-1))
