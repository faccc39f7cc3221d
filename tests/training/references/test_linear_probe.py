"""Rows that train no prompt: templates, several of them, and a linear probe."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_info, threadpool_limits
from torch.nn import functional as F

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.templates import ENSEMBLE
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.training.episode_features import EpisodeFeatures, episode_features
from nemesis_sweep.training.references import linear_probe
from nemesis_sweep.training.references.linear_probe import fitted_probes
from nemesis_sweep.training.references.zero_shot import template_features
from nemesis_sweep.training.training_run import Metrics


def linear_probe_metrics(features: EpisodeFeatures) -> Metrics:
    return fitted_probes(features)[0]


@pytest.fixture(scope="module")
def features(colours: Dataset, tiny_backbone) -> EpisodeFeatures:
    return episode_features(colours, tiny_backbone, shots=4, seeds=(1, 2), views=1)


def test_the_ensemble_is_the_mean_of_its_templates(colours: Dataset, tiny_backbone) -> None:
    templates = [colours.template, *ENSEMBLE]
    one_by_one = [
        tiny_backbone.encode_texts([template.format(name) for name in ("red", "green", "blue", "dark grey")])
        for template in templates
    ]
    expected = F.normalize(sum(one_by_one), dim=-1)
    torch.testing.assert_close(template_features(tiny_backbone, colours, templates), expected)
    alone = template_features(tiny_backbone, colours, [colours.template])
    torch.testing.assert_close(alone, one_by_one[0])


def test_the_probe_is_logistic_regression_with_the_strength_best_on_val(features: EpisodeFeatures) -> None:
    metrics = linear_probe_metrics(features)
    for replicate in range(2):
        train = features.train[replicate, :, 0].numpy(), features.train_labels[replicate].numpy()
        val = features.val[replicate].numpy(), features.val_labels[replicate].numpy()
        exponent = metrics["linear_probe/log10_C"][replicate]
        probe = LogisticRegression(C=10.0**exponent, max_iter=1000).fit(*train)
        test = features.test.numpy(), features.test_labels.numpy()
        assert metrics["test/accuracy"][replicate] == pytest.approx(100 * probe.score(*test))
        loss = log_loss(test[1], probe.predict_proba(test[0]))
        assert metrics["test/loss"][replicate] == pytest.approx(loss, rel=1e-5)
        best = metrics["val/accuracy"][replicate]
        for other in (-6.0, -2.0, 0.0, 2.0, 6.0):
            rival = 100 * LogisticRegression(C=10.0**other, max_iter=1000).fit(*train).score(*val)
            assert best >= rival or math.isclose(best, rival)


def test_the_probe_tells_separable_colours_apart(features: EpisodeFeatures) -> None:
    assert np.mean(linear_probe_metrics(features)["test/accuracy"]) > 60


def test_the_probe_takes_as_many_threads_as_torch_has(features: EpisodeFeatures, monkeypatch) -> None:
    """Where trials run side by side each has its share of the cores; BLAS would take all of them."""
    seen: set[int] = set()

    def fitted(*splits: object) -> tuple[dict[str, float], None, np.ndarray]:
        seen.update(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return {}, None, np.zeros(1)

    monkeypatch.setattr(linear_probe, "_fitted", fitted)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with threadpool_limits(limits=2, user_api="blas"):
            linear_probe_metrics(features)
    finally:
        torch.set_num_threads(before)
    assert seen == {1}


def test_every_view_is_a_sample_and_a_replicate_does_not_see_its_neighbour(
    features: EpisodeFeatures,
) -> None:
    doubled = replace(features, train=features.train.repeat(1, 1, 2, 1))
    assert len(linear_probe_metrics(doubled)["test/accuracy"]) == 2
    alone = replace(
        features,
        train=features.train[1:],
        train_labels=features.train_labels[1:],
        val=features.val[1:],
        val_labels=features.val_labels[1:],
        episodes=features.episodes[1:],
    )
    both, own = linear_probe_metrics(features), linear_probe_metrics(alone)
    assert {name: values[1:] for name, values in both.items()} == own


def test_a_class_without_training_images_is_never_right_and_its_loss_is_finite(
    features: EpisodeFeatures,
) -> None:
    kept = features.train_labels[0] != 3
    fewer = replace(
        features,
        train=features.train[:1, kept],
        train_labels=features.train_labels[:1, kept],
        episodes=features.episodes[:1],
    )
    metrics = linear_probe_metrics(fewer)
    assert metrics["test/accuracy"][0] <= 75
    assert math.isfinite(metrics["test/loss"][0])


def test_one_class_is_refused(features: EpisodeFeatures) -> None:
    one = replace(features, train_labels=torch.zeros_like(features.train_labels))
    with pytest.raises(UserError, match="at least two classes"):
        linear_probe_metrics(one)
