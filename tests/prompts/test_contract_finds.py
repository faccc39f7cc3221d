"""The contract's tests fail on kinds that are wrong in a way that no error tells."""

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.prompts.coop import CoOp
from nemesis_sweep.spec.kinds import KINDS
from nemesis_sweep.spec.prompt_fields import CoOpFields
from nemesis_sweep.spec.prompts import Kind
from nemesis_sweep.testing.prompt_contract import PromptContract


class OtherVariants(CoOp):
    """Its variants are those of ``other(positions, scales)``."""

    def classifier(self, *, variants=False):
        inner = super().classifier(variants=variants)
        return ns.TextClassifier(
            self.backbone, inner.texts, lambda *given: inner._rescaled(*self.other(*given))
        )


class NextVector(OtherVariants):
    def other(self, positions, scales):
        return (positions + 1) % self.n_vectors, scales


class TwiceScaled(OtherVariants):
    def other(self, positions, scales):
        return positions, scales.square()


class OneVariant(OtherVariants):
    def other(self, positions, scales):
        return positions[:, :1].expand_as(positions), scales


class Unmoved(CoOp):
    def penalised(self, images=None):
        return self.context.detach()


class TwiceTheFirst(CoOp):
    def penalised(self, images=None):
        return torch.cat([self.context[:, :1], self.context[:, :1], self.context[:, 2:]], dim=1)


class OfTheBatch(CoOp):
    def classifier(self, *, variants=False):
        inner = super().classifier(variants=variants)

        class Centred(ns.ImageClassifier):
            replicates, device, image_shape = inner.replicates, inner.device, inner.image_shape

            def __call__(self, images):
                return inner(images - 0.2 * images.mean(dim=1, keepdim=True))

        return Centred()


VARIANTS = "test_variants_are_the_prompts_with_one_vector_scaled"
WRONG = {
    NextVector: VARIANTS,
    TwiceScaled: VARIANTS,
    OneVariant: VARIANTS,
    Unmoved: "test_the_penalty_moves_what_is_learnt",
    TwiceTheFirst: VARIANTS,
    OfTheBatch: "test_an_image_is_classified_alone_as_among_others",
}


@pytest.mark.parametrize("wrong", [CoOp, *WRONG])
def test_a_wrong_kind_fails(monkeypatch, wrong):
    monkeypatch.setitem(KINDS, "coop", Kind(f"{__name__}:{wrong.__name__}", "wrong", CoOpFields))
    contract = PromptContract()
    contract.prompt, contract.settings = "coop", {"n_ctx": 4}
    tests = [WRONG[wrong]] if wrong in WRONG else set(WRONG.values())
    for test in tests:
        if wrong is CoOp:
            getattr(contract, test)()
        else:
            with pytest.raises(AssertionError):
                getattr(contract, test)()
