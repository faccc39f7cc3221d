"""Measure the embedded CLIP on the embedded benchmark.

``OMP_NUM_THREADS=1 python -m nemesis_sweep.embedded.make.evaluate [DATASET ...] [--shots 1 4 16]``

Prints a Markdown table, test accuracies in percent, mean over the seeds and their standard deviation: chance,
zero-shot with the standard error of the test set, CoOp (16 vectors, name at the end), a linear probe on the
same image features and one on 16 x 16 pixels.  The probes' strength is chosen on few-shot validation.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.decoding.images import open_image
from nemesis_sweep.data.registry import EMBEDDED, load_dataset
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.episode_features import EpisodeFeatures, episode_features
from nemesis_sweep.training.references.zero_shot import zero_shot
from nemesis_sweep.training.training_run import TrainingRun
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.load_backbone import load_backbone

SEEDS = (1, 2, 3)
STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # scikit-learn's C


def pixels(items: Sequence[Item]) -> np.ndarray:
    """Pictures as (N, 768): 16 x 16 RGB, in [0, 1], centred."""
    small = [open_image(i.read()).resize((16, 16), Image.Resampling.BOX) for i in items]
    return np.stack([np.asarray(p, np.float32).ravel() / 255 - 0.5 for p in small])


def probe(train: Any, labels: Any, val: Any, val_labels: Any, test: Any, test_labels: Any) -> float:
    """Test accuracy in percent of logistic regression; its strength is the best on val."""
    fits = [LogisticRegression(C=c, max_iter=300).fit(train, labels) for c in STRENGTHS]
    best = max(fits, key=lambda fit: fit.score(val, val_labels))
    return 100 * float(best.score(test, test_labels))


def feature_probe(centre: EpisodeFeatures) -> list[float]:
    """The linear probe on image features, centre view, one value per seed."""
    return [
        probe(
            centre.train[r].squeeze(1),
            centre.train_labels[r],
            centre.val[r],
            centre.val_labels[r],
            centre.test,
            centre.test_labels,
        )
        for r in range(len(centre.episodes))
    ]


def pixel_probe(dataset: Dataset, centre: EpisodeFeatures) -> list[float]:
    """The linear probe on pixels, one value per seed."""
    test = pixels(dataset.test)
    return [
        probe(
            pixels(episode.train),
            centre.train_labels[r],
            pixels(episode.val),
            centre.val_labels[r],
            test,
            centre.test_labels,
        )
        for r, episode in enumerate(centre.episodes)
    ]


def coop(backbone: Backbone, dataset: Dataset, shots: int, method: Method) -> list[float]:
    """CoOp's test accuracy per seed, last epoch."""
    features = episode_features(dataset, backbone, shots, SEEDS, int(method.views))
    fit = TrainingRun(backbone, dataset.classnames, method, SEEDS, features)
    while not fit.done:
        fit.run_epoch()
    return fit.evaluate("test")["test/accuracy"]


def cell(values: Sequence[float]) -> str:
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def rows(backbone: Backbone, dataset: Dataset, shots: Sequence[int], method: Method) -> dict[str, str]:
    """Table rows of one dataset."""
    centre = episode_features(dataset, backbone, shots[0], SEEDS, 1)
    accuracy = zero_shot(backbone, dataset, centre).metrics["test/accuracy"][0]
    count = len(dataset.test)
    error = math.sqrt(accuracy * (100 - accuracy) / count)
    found = {
        "classes / test images": f"{len(dataset.classnames)} / {count}",
        "chance": f"{100 / len(dataset.classnames):.1f}",
        "zero-shot": f"{accuracy:.1f} ± {error:.1f}",
    }
    for k in shots:
        centre = episode_features(dataset, backbone, k, SEEDS, 1)
        found[f"CoOp, {k} shots"] = cell(coop(backbone, dataset, k, method))
        found[f"linear probe, {k} shots"] = cell(feature_probe(centre))
    found[f"pixel probe, {shots[-1]} shots"] = cell(pixel_probe(dataset, centre))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="*", default=list(EMBEDDED))
    parser.add_argument("--backbone", default="icon-clip", help="name or folder")
    parser.add_argument("--shots", nargs="+", type=int, default=[1, 4, 16])
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--lr", type=float, default=0.002)
    parser.add_argument("--views", type=int, default=16)
    args = parser.parse_args()
    torch.set_num_threads(1)
    backbone = load_backbone(args.backbone)
    method = Method(epochs=args.epochs, lr=args.lr, views=args.views)
    tables = {name: rows(backbone, load_dataset(name), args.shots, method) for name in args.datasets}
    print("| |", " | ".join(tables), "|")
    print("|---" * (len(tables) + 1) + "|")
    for label in next(iter(tables.values())):
        print(f"| {label} |", " | ".join(table[label] for table in tables.values()), "|")


if __name__ == "__main__":
    main()
