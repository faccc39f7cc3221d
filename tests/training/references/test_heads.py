"""CLIP-Adapter, TaskRes and Tip-Adapter-F as whole rows: what they start from, and their classifiers."""

import pytest
import torch

from nemesis_sweep.training.references import clip_adapter, taskres, tip_adapter_f
from nemesis_sweep.training.references.clip_adapter import ClipAdapter
from nemesis_sweep.training.references.side_by_side import Course
from nemesis_sweep.training.references.taskres import TaskRes
from nemesis_sweep.training.references.tip_adapter import TipAdapter, chosen_strengths
from tests.training.references.plain import clip_adapter_logits, taskres_logits


@pytest.fixture(autouse=True)
def short(monkeypatch):
    for module, names in (
        (clip_adapter, ["COURSE"]),
        (taskres, ["FEW", "MANY"]),
        (tip_adapter_f, ["COURSE"]),
    ):
        for name in names:
            monkeypatch.setattr(module, name, Course(epochs=4, every=2))


def test_an_adapter_starts_as_a_linear_layer_does_each_replicate_by_itself(made):
    both = clip_adapter.drawn(made, 32)
    assert both["down"].shape == (2, 8, 32) and both["up"].shape == (2, 32, 8)
    assert float(both["down"].abs().max()) <= 32**-0.5 and float(both["up"].abs().max()) <= 8**-0.5
    assert float(both["up"].abs().max()) > 0.9 * 8**-0.5
    assert not torch.equal(both["down"][0], both["down"][1])


def test_the_length_of_a_feature_has_no_part_in_an_adapter(made):
    values = {name: each.double() for name, each in clip_adapter.drawn(made, 32).items()}
    ratio = torch.tensor(0.6)
    once, longer = (clip_adapter.adapted(images, values, ratio) for images in (made.val, 9.5 * made.val))
    torch.testing.assert_close(once, longer, rtol=1e-12, atol=1e-12)


def test_the_classifier_of_an_adapter_takes_other_names(tiny_backbone, colours, made):
    measured = clip_adapter.clip_adapter(tiny_backbone, colours, made)
    other = type(colours)("other", ("yellow", "white"), "a {}.", {})
    for data in (colours, other):
        texts = tiny_backbone.encode_texts(data.zero_shot_texts()).double()
        found = ClipAdapter(tiny_backbone, data, measured.values)(made.val)
        assert torch.equal(found, measured.classifier_of(data)(made.val))
        for replicate in range(2):
            own = {name: value[replicate] for name, value in measured.values.items()}
            expected = clip_adapter_logits(made.val[replicate], own, texts, tiny_backbone.logit_scale)
            torch.testing.assert_close(found[replicate], expected, rtol=1e-10, atol=1e-10)


def test_the_base_of_taskres_is_as_long_as_the_tower_gives_it(tiny_backbone, colours, made):
    measured = taskres.taskres(tiny_backbone, colours, made)
    texts = tiny_backbone.encode_texts(colours.zero_shot_texts(), normalised=False).double()
    lengths = texts.norm(dim=-1)
    assert not torch.allclose(lengths, torch.ones_like(lengths))
    unit = tiny_backbone.encode_texts(colours.zero_shot_texts()).double()
    torch.testing.assert_close(texts / lengths[:, None], unit, rtol=1e-6, atol=1e-7)
    found = TaskRes(tiny_backbone, colours, measured.values)(made.val)
    for replicate in range(2):
        own = {name: value[replicate] for name, value in measured.values.items()}
        expected = taskres_logits(made.val[replicate], own, texts, tiny_backbone.logit_scale)
        torch.testing.assert_close(found[replicate], expected, rtol=1e-10, atol=1e-10)


def test_tip_adapter_f_searches_its_strengths_again_with_the_trained_keys(tiny_backbone, colours, made):
    measured = tip_adapter_f.tip_adapter_f(tiny_backbone, colours, made)
    alpha, beta = chosen_strengths(tiny_backbone, colours, measured.values["keys"], made)
    assert torch.equal(measured.values["alpha"], alpha) and torch.equal(measured.values["beta"], beta)
    start = torch.nn.functional.normalize(made.train.mean(dim=2), dim=-1)
    assert not torch.allclose(measured.values["keys"], start)
    classifier = TipAdapter(tiny_backbone, colours, measured.values)
    right = classifier(made.test.expand(2, -1, -1)).argmax(dim=-1) == made.test_labels
    torch.testing.assert_close(
        torch.tensor(measured.metrics["test/accuracy"]), 100 * right.float().mean(dim=1)
    )
