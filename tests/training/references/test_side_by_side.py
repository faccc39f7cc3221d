"""Heads that are trained: gradients, steps and choices as of one setting and one replicate by itself."""

import math
from dataclasses import dataclass, replace

import pytest
import torch

from nemesis_sweep.training.generators import seeded
from nemesis_sweep.training.references import clip_adapter, taskres, tip_adapter, tip_adapter_f
from nemesis_sweep.training.references.side_by_side import Course, total_loss, train
from tests.training.references.plain import (
    clip_adapter_logits,
    cross_entropy,
    score,
    taskres_logits,
    tip_logits,
)

RATES = (0.01, 0.1)
SHORT = Course(epochs=3, every=1, batch=4, weight_decay=0.01, eps=1e-4)
ALPHA, BETA = torch.tensor([1.5, 3.0]), torch.tensor([4.0, 2.0])


@dataclass
class Case:
    """A head: where it starts, its logits, and by ``plain(setting, replicate)`` those written the long way,
    of tensors ``(...)`` and images ``(B, E)``."""

    start: dict
    logits: object
    plain: object


def tip(backbone, colours, made):
    texts = backbone.encode_texts(colours.zero_shot_texts()).double()
    head = tip_adapter_f.head(backbone, colours, made.train_labels, ALPHA.double(), BETA.double())

    def plain(setting, replicate):
        fixed = {
            "labels": made.train_labels[replicate],
            "alpha": ALPHA[replicate].double(),
            "beta": BETA[replicate].double(),
        }
        return lambda values, images: tip_logits(images, {**values, **fixed}, texts, backbone.logit_scale)

    return Case({"keys": tip_adapter.cache_keys(made)}, head, plain)


def adapter(backbone, colours, made):
    texts = backbone.encode_texts(colours.zero_shot_texts()).double()
    ratios = (0.2, 0.8)
    start = {name: each.double() for name, each in clip_adapter.drawn(made, 32).items()}

    def plain(setting, replicate):
        return lambda values, images: clip_adapter_logits(
            images, {**values, "ratio": ratios[setting]}, texts, backbone.logit_scale
        )

    return Case(start, clip_adapter.head(backbone, colours, ratios), plain)


def residual(backbone, colours, made):
    texts = backbone.encode_texts(colours.zero_shot_texts(), normalised=False).double()
    alphas = (0.5, 2.0)
    start = torch.zeros(2, 4, 32, dtype=torch.float64)

    def plain(setting, replicate):
        return lambda values, images: taskres_logits(
            images, {**values, "alpha": alphas[setting]}, texts, backbone.logit_scale
        )

    return Case({"residual": start}, taskres.head(backbone, colours, alphas), plain)


@pytest.fixture(params=[tip, adapter, residual], ids=lambda made: made.__name__)
def case(request, tiny_backbone, colours, made):
    return request.param(tiny_backbone, colours, made)


def test_logits_and_gradients_are_those_written_the_long_way(case, made):
    generator = torch.Generator().manual_seed(3)
    values = {
        name: (each + 0.1 * torch.randn(2, *each.shape, generator=generator, dtype=torch.float64))
        for name, each in case.start.items()
    }
    together = {name: each.clone().requires_grad_() for name, each in values.items()}
    images, labels = made.train[:, :, 0], made.train_labels
    logits = case.logits(together, images)
    total_loss(logits, labels).backward()
    for setting in range(2):
        for replicate in range(2):
            own = {name: each[setting, replicate].clone().requires_grad_() for name, each in values.items()}
            expected = case.plain(setting, replicate)(own, images[replicate])
            torch.testing.assert_close(logits[setting, replicate], expected, rtol=1e-10, atol=1e-10)
            cross_entropy(expected, labels[replicate]).backward()
            for name, each in own.items():
                found = together[name].grad[setting, replicate]
                torch.testing.assert_close(found, each.grad, rtol=1e-10, atol=1e-10)


def trained_alone(case, made, setting, replicate):
    """The best state of one setting and replicate, trained by torch's own means: score, epoch, values."""
    values = {name: torch.nn.Parameter(each[replicate].clone()) for name, each in case.start.items()}
    logits = case.plain(setting, replicate)
    optimiser = torch.optim.AdamW(values.values(), lr=RATES[setting], weight_decay=0.01, eps=1e-4)
    count = made.train.shape[1]
    steps = SHORT.epochs * math.ceil(count / SHORT.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    order, views = (seeded(made.episodes[replicate].seed, purpose) for purpose in ("order", "views"))
    best = None
    for epoch in range(1, SHORT.epochs + 1):
        rows, drawn = torch.randperm(count, generator=order), torch.randint(3, (count,), generator=views)
        for start in range(0, count, SHORT.batch):
            some, seen = rows[start : start + SHORT.batch], drawn[start : start + SHORT.batch]
            optimiser.zero_grad()
            images, labels = made.train[replicate][some, seen], made.train_labels[replicate][some]
            cross_entropy(logits(values, images), labels).backward()
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            found = score(logits(values, made.val[replicate]), made.val_labels[replicate])
        if best is None or found > best[0]:
            best = found, epoch, {name: each.detach().clone() for name, each in values.items()}
    return best


def test_training_is_that_of_each_setting_and_replicate_alone(case, made):
    chosen = train(case.start, RATES, case.logits, made, SHORT)
    for replicate in range(2):
        alone = [trained_alone(case, made, setting, replicate) for setting in range(2)]
        best = max(range(2), key=lambda setting: alone[setting][0])
        assert int(chosen.setting[replicate]) == best
        assert int(chosen.epoch[replicate]) == alone[best][1]
        for name, expected in alone[best][2].items():
            torch.testing.assert_close(chosen.values[name][replicate], expected, rtol=1e-9, atol=1e-10)


def test_neither_random_numbers_of_others_nor_the_test_images_have_a_part_in_it(case, made):
    first = train(case.start, RATES, case.logits, made, SHORT)
    torch.manual_seed(1)
    other = replace(made, test=torch.full_like(made.test, torch.nan), test_labels=made.test_labels.roll(1))
    again = train(case.start, RATES, case.logits, other, SHORT)
    assert torch.equal(first.setting, again.setting) and torch.equal(first.epoch, again.epoch)
    assert all(torch.equal(value, again.values[name]) for name, value in first.values.items())


def test_a_setting_that_runs_away_is_never_chosen(case, made):
    chosen = train(case.start, (1e300, 0.01), case.logits, made, SHORT)
    assert chosen.setting.tolist() == [1, 1]
    assert all(value.isfinite().all() for value in chosen.values.values())
