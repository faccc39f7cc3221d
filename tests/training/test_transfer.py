"""Accuracy on other classes and other images, against the definition."""

import math

import pytest
import torch

from nemesis_sweep.data.subsets import base_and_new, of_classes
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.episode_features import episode_features, target_features
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.training_run import TrainingRun
from nemesis_sweep.training.transfer import Target, harmonic, of_means, transfer_metrics


@pytest.fixture
def learnt(colours, tiny_backbone):
    """A fit on the base classes, and the new ones as target."""
    base, new = (of_classes(colours, labels) for labels in base_and_new(colours))
    method = Method(n_ctx=4, epochs=2, views=1)
    features = episode_features(base, tiny_backbone, 2, (1, 2), 1)
    fit = TrainingRun(tiny_backbone, base.classnames, method, (1, 2), features)
    while not fit.done:
        fit.run_epoch()
    return fit, Target(new, *target_features(new, tiny_backbone))


def test_the_learnt_words_stand_before_other_names(learnt, tiny_backbone):
    """The same context with the new names, one name after the other through the plain tower."""
    fit, target = learnt
    texts = fit.classifier(target.dataset).texts
    layout = tiny_backbone.layout(target.dataset.classnames, 4, "end")
    from nemesis_sweep.vlm.text import encode_text

    plain = encode_text(tiny_backbone.text, layout, fit.trainer.learner.context.detach(), path="plain")
    assert torch.allclose(texts, plain, atol=1e-5)


def test_base_to_new_is_summed_up_by_the_harmonic_mean(learnt, tiny_backbone):
    fit, target = learnt
    own = fit.evaluate("test")
    found = transfer_metrics("base_to_new", own, {"new": target}, fit.classifier)
    new, loss = evaluate(target.images, target.labels, fit.classifier(target.dataset))
    assert found["test/base"] == own["test/accuracy"]
    assert found["test/new"] == pytest.approx(new.tolist())
    pairs = zip(own["test/accuracy"], new.tolist(), strict=True)
    assert found["test/accuracy"] == pytest.approx([2 * b * n / (b + n) if b + n else 0.0 for b, n in pairs])
    losses = zip(own["test/loss"], loss.tolist(), strict=True)
    assert found["test/loss"] == pytest.approx([(b + n) / 2 for b, n in losses])


def test_the_harmonic_mean_of_papers_is_that_of_the_means():
    """CoCoOp's table: base 80.47 and new 71.69 make H 75.83."""
    assert of_means({"test/base": 80.47, "test/new": 71.69})["test/H"] == pytest.approx(75.83, abs=0.005)
    seeds = [(90.0, 50.0), (50.0, 90.0)]
    means = {"test/base": 70.0, "test/new": 70.0, "test/accuracy": 64.3}
    assert of_means(means) == {"test/H": 70.0}
    assert sum(harmonic(base, [new]) for base, new in seeds) / 2 == pytest.approx(64.29, abs=0.01)
    assert of_means({"test/accuracy": 50.0, "test/source": 40.0}) == {}


def test_domain_generalisation_is_summed_up_by_the_mean_over_targets(learnt, tiny_backbone):
    fit, target = learnt
    own = fit.evaluate("test")
    targets = {"sketches": target, "renditions": target}
    found = transfer_metrics("domain_generalization", own, targets, fit.classifier)
    assert found["test/source"] == own["test/accuracy"]
    assert found["test/sketches"] == found["test/renditions"] == found["test/accuracy"]


def test_few_shot_stays_as_it_is(learnt, tiny_backbone):
    fit, _ = learnt
    assert transfer_metrics("few_shot", fit.evaluate("test"), {}, fit.classifier) == {}


def test_a_failed_replicate_has_no_accuracy_anywhere(learnt, tiny_backbone):
    fit, target = learnt
    own = {"test/accuracy": [math.nan, 50.0], "test/loss": [math.nan, 1.0]}
    found = transfer_metrics("base_to_new", own, {"new": target}, fit.classifier)
    assert all(math.isnan(values[0]) and math.isfinite(values[1]) for values in found.values())


def test_nothing_right_at_all_is_zero(learnt, tiny_backbone):
    fit, target = learnt
    wrong = Target(target.dataset, target.images, target.labels)
    own = {"test/accuracy": [0.0, 0.0], "test/loss": [1.0, 1.0]}
    classifier = fit.classifier(target.dataset)
    # Every picture takes the text of the other class.
    found = transfer_metrics("base_to_new", own, {"new": wrong}, lambda _: classifier)
    assert found["test/accuracy"] == [0.0, 0.0]
