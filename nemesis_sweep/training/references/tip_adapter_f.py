"""Tip-Adapter-F: Tip-Adapter whose keys are trained further.

Zhang et al., Tip-Adapter (ECCV 2022, arXiv 2207.09519), section 3.2: the logits of Tip-Adapter, of which the
keys learn from the cross-entropy of the training images; AdamW with eps 1e-4 and weight decay 0.01, batches
of 256, 20 epochs, a cosine for the learning rate. Each image is seen in one of its views.

Trained with the paper's alpha 1 and beta 5.5, and with those that Tip-Adapter's own grid finds: where these
are large, the training images are classified by their own keys alone, and nothing is left to learn. On the
validation images are chosen, for every replicate by itself, the one or the other, the learning rate in 3e-4,
1e-3, 3e-3 (the public code: 1e-3) and the epoch, then alpha and beta again, on the same grid, with the keys
of that epoch. (The public code takes the epoch with the highest accuracy on the TEST images; its published
numbers are of that.)
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.prompts.text_classifier import cosine_logits
from nemesis_sweep.spec.values import Values
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.references.measured import NOTHING, Measured, measured, offered
from nemesis_sweep.training.references.side_by_side import Course, Logits, on_device, train
from nemesis_sweep.training.references.tip_adapter import (
    TipAdapter,
    cache_keys,
    cache_logits,
    chosen_strengths,
)
from nemesis_sweep.vlm.backbone import Backbone

RATES = (3e-4, 1e-3, 3e-3)
ALPHA, BETA = 1.0, 5.5
COURSE = Course(epochs=20, every=1, weight_decay=0.01, eps=1e-4)


def tip_adapter_f(
    backbone: Backbone, dataset: Dataset, features: EpisodeFeatures, given: Values = NOTHING
) -> Measured:
    """The row: keys that were trained, and strengths for them.

    given: `cache_alpha` and `cache_beta`, with which it is then trained, too; `head_lr`.
    """
    features = on_device(features, backbone.text.device)
    keys = cache_keys(features)
    alpha, beta = chosen_strengths(backbone, dataset, keys, features, given)
    (a,), (b,) = offered(given, "cache_alpha", (ALPHA,)), offered(given, "cache_beta", (BETA,))
    paper, rates = (torch.full_like(alpha, a), torch.full_like(beta, b)), offered(given, "head_lr", RATES)
    # (S, R) each: every start with every learning rate.
    strengths = [
        torch.stack(pair).repeat_interleave(len(rates), dim=0)
        for pair in zip(paper, (alpha, beta), strict=True)
    ]
    logits = head(backbone, dataset, features.train_labels, *strengths)
    chosen = train({"keys": keys}, 2 * rates, logits, features, COURSE)
    keys = chosen.values["keys"]
    alpha, beta = chosen_strengths(backbone, dataset, keys, features, given)
    values = {"keys": keys, "labels": features.train_labels, "alpha": alpha, "beta": beta}
    settings = {
        "tip_adapter_f/alpha": alpha,
        "tip_adapter_f/beta": beta,
        "tip_adapter_f/lr": torch.tensor(2 * rates).to(alpha.device)[chosen.setting],
        "tip_adapter_f/epoch": chosen.epoch,
    }
    return measured(TipAdapter(backbone, dataset, values), features, values, settings)


def head(backbone: Backbone, dataset: Dataset, labels: Tensor, alpha: Tensor, beta: Tensor) -> Logits:
    """Logits by keys ``(S, R, n, E)``. labels: of the keys, ``(R, n)``. alpha, beta: ``(R,)``, ``(S, R)``."""
    texts = backbone.encode_texts(dataset.zero_shot_texts())
    one_hot = F.one_hot(labels, len(texts))

    def logits(values: Mapping[str, Tensor], images: Tensor) -> Tensor:
        strength, sharpness = (each.to(images.dtype)[..., None, None] for each in (alpha, beta))
        cached = cache_logits(images, values["keys"], one_hot.to(images.dtype), sharpness)
        return cosine_logits(images, texts.to(images.dtype), backbone) + strength * cached

    return logits
