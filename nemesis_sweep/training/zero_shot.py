"""Zero-shot classification: templates in place of learnt words. The row that every table starts from."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.templates import ENSEMBLE
from nemesis_sweep.prompts.text_classifier import TextClassifier
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.training_run import Metrics
from nemesis_sweep.vlm.backbone import Backbone


def zero_shot_metrics(backbone: Backbone, dataset: Dataset, features: EpisodeFeatures) -> Metrics:
    """Accuracy and loss with the dataset's own template."""
    return _measured(reference("zero_shot", backbone, dataset, len(features.episodes)), features)


def ensemble_metrics(backbone: Backbone, dataset: Dataset, features: EpisodeFeatures) -> Metrics:
    """Accuracy and loss with the dataset's own template and CLIP's seven together."""
    return _measured(reference("zero_shot_ensemble", backbone, dataset, len(features.episodes)), features)


def reference(name: str, backbone: Backbone, dataset: Dataset, replicates: int) -> TextClassifier:
    """The row `zero_shot` or `zero_shot_ensemble` for a dataset's class names, in every replicate."""
    templates = [dataset.template] if name == "zero_shot" else [dataset.template, *ENSEMBLE]
    texts = template_features(backbone, dataset, templates)
    return TextClassifier(backbone, texts.expand(replicates, *texts.shape))


def template_features(backbone: Backbone, dataset: Dataset, templates: Sequence[str]) -> Tensor:
    """Text features ``(C, E)``: for each class the mean over the templates, L2-normalised again."""
    texts = [backbone.encode_texts(dataset.texts(template)) for template in templates]
    return F.normalize(torch.stack(texts).mean(dim=0), dim=-1) if len(texts) > 1 else texts[0]


@torch.no_grad()
def _measured(classifier: TextClassifier, features: EpisodeFeatures) -> Metrics:
    """Accuracy and loss on val (each replicate has its own) and on test (the same for all)."""
    metrics: Metrics = {}
    for split, images, labels in (
        ("val", features.val, features.val_labels),
        ("test", features.test, features.test_labels),
    ):
        accuracy, loss = evaluate(images, labels, classifier)
        metrics |= {f"{split}/accuracy": accuracy.tolist(), f"{split}/loss": loss.tolist()}
    return metrics
