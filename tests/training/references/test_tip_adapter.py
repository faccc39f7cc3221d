"""Tip-Adapter: its cache, its grid and its logits, written the long way."""

import torch

from nemesis_sweep.training.references import tip_adapter
from nemesis_sweep.training.references.tip_adapter import ALPHAS, BETAS, TipAdapter
from tests.training.references.plain import score, tip_logits, unit


def test_keys_are_the_mean_of_the_views(made):
    keys = tip_adapter.cache_keys(made)
    for replicate in range(2):
        for place, views in enumerate(made.train[replicate]):
            torch.testing.assert_close(keys[replicate, place], unit(sum(views) / 3), rtol=1e-12, atol=1e-12)


def test_the_strengths_are_the_best_of_the_whole_grid_and_the_logits_those_of_the_formula(
    tiny_backbone, colours, made, monkeypatch
):
    monkeypatch.setattr(tip_adapter, "ALPHAS", ALPHAS[::3])
    monkeypatch.setattr(tip_adapter, "BETAS", BETAS[::4])
    texts = tiny_backbone.encode_texts(colours.zero_shot_texts()).double()
    measured = tip_adapter.tip_adapter(tiny_backbone, colours, made)
    classifier = TipAdapter(tiny_backbone, colours, measured.values)
    found = classifier(made.test.expand(2, -1, -1))
    for replicate in range(2):
        own = {"keys": measured.values["keys"][replicate], "labels": made.train_labels[replicate]}
        grid = [(alpha, beta) for alpha in ALPHAS[::3] for beta in BETAS[::4]]
        tried = {}
        for alpha, beta in grid:
            logits = tip_logits(
                made.val[replicate], {**own, "alpha": alpha, "beta": beta}, texts, tiny_backbone.logit_scale
            )
            tried[alpha, beta] = score(logits, made.val_labels[replicate])
        best = max(grid, key=lambda each: tried[each])
        chosen = tuple(measured.metrics[f"tip_adapter/{name}"][replicate] for name in ("alpha", "beta"))
        assert tried[best] == tried[chosen]
        values = {**own, "alpha": chosen[0], "beta": chosen[1]}
        expected = tip_logits(made.test, values, texts, tiny_backbone.logit_scale)
        torch.testing.assert_close(found[replicate], expected, rtol=1e-10, atol=1e-10)
        right = int((expected.argmax(dim=1) == made.test_labels).sum())
        assert measured.metrics["test/accuracy"][replicate] == 100 * right / 20


def test_without_strength_it_is_zero_shot(tiny_backbone, colours, made):
    values = {
        "keys": tip_adapter.cache_keys(made),
        "labels": made.train_labels,
        "alpha": torch.zeros(2),
        "beta": torch.ones(2),
    }
    texts = tiny_backbone.encode_texts(colours.zero_shot_texts()).double()
    found = TipAdapter(tiny_backbone, colours, values)(made.val)
    torch.testing.assert_close(found, tiny_backbone.logit_scale * made.val @ texts.T)
