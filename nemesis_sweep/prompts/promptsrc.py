"""PromptSRC: vectors in both towers, pulled to what these give without any (Khattak et al., ICCV 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nemesis_sweep.data.templates import ENSEMBLE
from nemesis_sweep.prompts.both_towers import BothTowersClassifier, BothTowersLearner
from nemesis_sweep.prompts.image_passes import encode_images
from nemesis_sweep.prompts.image_tower import start_visual
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.prompts.text_classifier import cosine_logits
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import PromptSRCFields
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.variants import changed


class PromptSRC(BothTowersLearner):
    """Deep language prompting with J blocks, and beside it, not made of it, VPT with L blocks.

    context ``(R, M, D)``, deep ``(R, J - 1, M, D)``; visual ``(R, L, P, W)``. With all three weights 0 and
    no average this is independent vision-language prompting (IVLP).
    PUN and PAN see the J * M vectors of the text tower one by one, block after block, then the L * P of the
    image tower. PAN scales each in its own tower. No public code has PromptSRC with Nemesis: a choice.
    """

    tensors: ClassVar[tuple[str, ...]] = ("context", "deep", "visual")
    fields = PromptSRCFields
    visual: nn.Parameter

    @classmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """The starts of both. Raises ``UserError`` for towers without so many blocks."""
        backbone.image_shape(method.reads)
        texts = super().start(backbone, method, classnames, generators)
        return {**texts, "visual": start_visual(backbone, method, generators)}

    @property
    def n_text_vectors(self) -> int:
        """J * M, those of the text tower; the others are of the image tower."""
        return super().n_vectors

    @property
    def n_vectors(self) -> int:
        return self.n_text_vectors + self.visual.shape[1] * self.visual.shape[2]

    def penalised(self, images: Tensor | None = None) -> Tensor:
        """All of them ``(R, J * M + L * P, max(D, W))``: zeros behind the shorter change no norm."""
        both = super().penalised(images), self.visual.flatten(1, 2)
        width = max(each.shape[-1] for each in both)
        return torch.cat([F.pad(each, (0, width - each.shape[-1])) for each in both], dim=1)

    def as_vectors(self, numbers: Tensor, positions: Tensor) -> Tensor:
        """With zeros behind the shorter ones."""
        widths = torch.where(positions < self.n_text_vectors, self.context.shape[-1], self.visual.shape[-1])
        inside = torch.arange(numbers.shape[-1], device=numbers.device) < widths[..., None]
        return torch.where(inside, numbers, torch.zeros_like(numbers))

    def first_place(self, positions: Tensor) -> int:
        """The first block of the image tower that a variant differs in, L where none does, times M + 1, and
        the least place in the text, M where none differs."""
        of_text, n_ctx = positions < self.n_text_vectors, self.layout.n_ctx
        places = positions[of_text] % n_ctx
        blocks = (positions[~of_text] - self.n_text_vectors) // self.visual.shape[2]
        place, block = (
            int(each.min()) if each.numel() else most
            for each, most in ((places, n_ctx), (blocks, self.visual.shape[1]))
        )
        return block * (n_ctx + 1) + place

    def typical_norms(self, images: Tensor | None = None) -> Tensor | None:
        """Those of deep language prompting, then those of VPT, ``(R, J * M + L * P)``."""
        texts = self._text_norms  # Also where nothing is given yet: a step would wait for a GPU.
        if images is None:
            return None
        patches = self.norms_of_patches(images, self.visual)
        return torch.cat([texts.expand(len(patches), -1), patches], dim=1)

    @cached_property
    def _text_norms(self) -> Tensor:
        """Of the text tower, which does not depend on the images: computed once."""
        found = super().typical_norms()
        assert found is not None
        return found

    def classifier(self, *, variants: bool = False) -> PromptSRCClassifier:
        return PromptSRCClassifier(self, variants)

    def regulariser(self, classifier: ImageClassifier, images: Tensor, logits: Tensor) -> Tensor | None:
        """The three terms ``(R,)``; None where all have weight 0.

        ``text_weight mean |t - a| + image_weight mean |f - g| + logit_weight mean_bc q log(q / p)``: class
        features t and image features f with learnt vectors, a and g without, means over all numbers; p the
        probabilities, q those of zero-shot classification with a and g. The last, too, is a mean over images
        and classes, as in the public code, so it is the divergence over the number of classes.
        """
        assert isinstance(classifier, PromptSRCClassifier)
        method, terms = self.method, []
        if method.text_weight:
            terms.append(method.text_weight * _distance(classifier.texts, self.anchors))
        if method.image_weight or method.logit_weight:
            frozen = self._frozen(images)
            if method.image_weight:
                terms.append(method.image_weight * _distance(classifier.features, frozen))
            if method.logit_weight:
                zero_shot = cosine_logits(frozen, self.anchors, self.backbone)
                terms.append(method.logit_weight * _divergence(zero_shot, logits))
        return torch.stack(terms).sum(dim=0) if terms else None

    @cached_property
    def anchors(self) -> Tensor:
        """CLIP's own class features ``(C, E)``, L2-normalised: of ``anchor_template``, or the mean over the
        dataset's template and CLIP's seven of features as the tower gives them. Computed once."""
        given = self.method.anchor_template
        templates = [given] if given else [self.template, *ENSEMBLE]
        names = [name.replace("_", " ") for name in self.classnames]
        found = [
            self.backbone.encode_texts([each.replace("{}", name) for name in names], normalised=False)
            for each in templates
        ]
        return F.normalize(torch.stack(found).mean(dim=0), dim=-1).to(self.context)

    @torch.no_grad()
    def _frozen(self, images: Tensor) -> Tensor:
        """Features ``(R, B, E)`` of the image tower without learnt vectors."""
        return encode_images(self.tower, images, self.visual[:, :1, :0])[0]


class PromptSRCClassifier(BothTowersClassifier):
    """The image tower's vectors are its own."""

    def __init__(self, learner: PromptSRC, variants: bool) -> None:
        super().__init__(learner, learner.visual, variants)
        self._learner = learner

    @torch.no_grad()
    def _changed(self, images: Tensor, positions: Tensor, by: Tensor) -> Tensor:
        """As of the contract; a tower that no variant differs in is not run again."""
        learner = self._learner
        n_ctx, n_text = learner.layout.n_ctx, learner.n_text_vectors
        block, place = (None, None) if self.first is None else divmod(self.first, n_ctx + 1)
        of_text = positions < n_text
        if place == n_ctx:
            texts = self.texts[:, None]
        else:
            # Where it is the other tower's, the last one as it is.
            own = torch.where(of_text, positions, n_text - 1)
            texts = self._texts_of(own, _where(of_text, by, learner.vectors[:, -1, -1]), place)
        if block == self.visual.shape[1] and self._classified is images:
            found = self.features[:, None]
        else:
            own = torch.where(of_text, learner.n_vectors - 1, positions) - n_text
            vectors = changed(self.visual.flatten(1, 2), own, _where(~of_text, by, self.visual[:, -1, -1]))
            vectors = vectors.unflatten(0, positions.shape).unflatten(2, self.visual.shape[1:3])
            found = self._features_of(images, vectors, block)
        return cosine_logits(found, texts, learner.backbone)


def _where(one: Tensor, by: Tensor, last: Tensor) -> Tensor:
    """Factors ``(R, N)``, those of the other tower 1; or vectors ``(R, N, D)`` of this tower's width, and in
    the place of the other's the last ones ``(R, D)``."""
    if by.ndim == 2:
        return torch.where(one, by, torch.ones_like(by))
    return torch.where(one[..., None], by[..., : last.shape[-1]].to(last.dtype), last[:, None])


def _distance(learnt: Tensor, frozen: Tensor) -> Tensor:
    """The mean of the absolute differences ``(R,)`` of features ``(R, n, E)``."""
    return (learnt - frozen).abs().mean(dim=(1, 2))


def _divergence(zero_shot: Tensor, logits: Tensor) -> Tensor:
    """``q log(q / p)``, ``(R,)``: the mean over images and classes of logits ``(R, B, C)``."""
    given, learnt = zero_shot.log_softmax(dim=-1), logits.log_softmax(dim=-1)
    return (given.exp() * (given - learnt)).mean(dim=(1, 2))
