"""Zero-shot classification: templates in place of learnt words. The row that every table starts from."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.templates import ENSEMBLE, OWN
from nemesis_sweep.prompts.text_classifier import TextClassifier
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.references.measured import Measured, measured
from nemesis_sweep.vlm.backbone import Backbone


def zero_shot(backbone: Backbone, dataset: Dataset, features: EpisodeFeatures) -> Measured:
    """Accuracy and loss with the dataset's own template."""
    return _measured(backbone, dataset, features, OWN)


def zero_shot_ensemble(backbone: Backbone, dataset: Dataset, features: EpisodeFeatures) -> Measured:
    """Accuracy and loss with the dataset's own template and CLIP's seven together."""
    return _measured(backbone, dataset, features, ENSEMBLE)


def template_features(backbone: Backbone, dataset: Dataset, templates: Sequence[str]) -> Tensor:
    """Text features ``(C, E)``: for each class the mean over the templates, L2-normalised again."""
    texts = [backbone.encode_texts(dataset.texts(template)) for template in templates]
    return F.normalize(torch.stack(texts).mean(dim=0), dim=-1) if len(texts) > 1 else texts[0]


def _measured(
    backbone: Backbone, dataset: Dataset, features: EpisodeFeatures, templates: Sequence[str]
) -> Measured:
    """Accuracy and loss. templates: those beside the dataset's own."""

    def classifier_of(data: Dataset) -> TextClassifier:
        texts = template_features(backbone, data, [data.template, *templates])
        return TextClassifier(backbone, texts.expand(len(features.episodes), *texts.shape))

    return measured(classifier_of(dataset), features, classifier_of=classifier_of)
