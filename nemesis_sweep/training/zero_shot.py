"""Zero-shot classification: the dataset's own template, no training. The row every table starts from."""

import torch

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.fit import Metrics
from nemesis_sweep.vlm.backbone import Backbone


@torch.no_grad()
def zero_shot_metrics(backbone: Backbone, dataset: Dataset, features: EpisodeFeatures) -> Metrics:
    """Accuracy and loss on val (each replicate has its own) and on test (the same for all)."""
    texts = backbone.encode_texts(dataset.zero_shot_texts())
    texts = texts.expand(len(features.episodes), *texts.shape)
    metrics: Metrics = {}
    for split, images, labels in (
        ("val", features.val, features.val_labels),
        ("test", features.test, features.test_labels),
    ):
        accuracy, loss = evaluate(images, labels, texts, backbone)
        metrics |= {f"{split}/accuracy": accuracy.tolist(), f"{split}/loss": loss.tolist()}
    return metrics
