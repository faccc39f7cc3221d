"""CoOp: a learnt vector in place of every word around the class name (Zhou et al., 2022)."""

from __future__ import annotations

from torch import Tensor

from nemesis_sweep.prompts.context import ContextLearner, encode, encode_with_states
from nemesis_sweep.prompts.text_classifier import TextClassifier
from nemesis_sweep.vlm.variants import encode_variants


class CoOp(ContextLearner):
    """R contexts ``(R, M, D)``, or ``(R, C, M, D)`` when every class has its own (CSC)."""

    def classifier(self, *, variants: bool = False) -> TextClassifier:
        """Text features of all classes, and the states that variants of the context can use again."""
        tower, layout, context = self.backbone.text, self.layout, self.context
        if not variants:
            return TextClassifier(self.backbone, encode(tower, layout, context))
        texts, states = encode_with_states(tower, layout, context)

        def variants_of(positions: Tensor, by: Tensor) -> Tensor:
            return encode_variants(tower, layout, context, positions, by, states=states, first=made.first)

        made = TextClassifier(self.backbone, texts, variants_of, variants_of)
        return made
