"""Strengths that are given in place of those that validation chooses, and what is refused."""

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.kinds import KINDS, ROWS, given_strengths
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.episode_features import episode_features
from nemesis_sweep.training.references.measured import measure

GIVEN = {
    "linear_probe": {"probe_c": 0.5},
    "tip_adapter": {"cache_alpha": 3.0, "cache_beta": 2.5},
    "tip_adapter_f": {"cache_alpha": 3.0, "cache_beta": 2.5, "head_lr": 2e-3},
    "clip_adapter": {"adapter_ratio": 0.3, "head_lr": 5e-3},
    "taskres": {"residual_alpha": 0.7, "head_lr": 5e-3},
}
CHOSEN = {
    "linear_probe": {"linear_probe/log10_C": -0.30103},
    "tip_adapter": {"tip_adapter/alpha": 3.0, "tip_adapter/beta": 2.5},
    "tip_adapter_f": {"tip_adapter_f/alpha": 3.0, "tip_adapter_f/beta": 2.5, "tip_adapter_f/lr": 2e-3},
    "clip_adapter": {"clip_adapter/ratio": 0.3, "clip_adapter/lr": 5e-3},
    "taskres": {"taskres/alpha": 0.7},
}


@pytest.fixture(scope="module")
def features(colours, tiny_backbone):
    return episode_features(colours, tiny_backbone, shots=4, seeds=(1, 2), views=2)


def test_every_kind_with_strengths_is_looked_at():
    assert set(GIVEN) == {name for name, kind in ROWS.items() if kind.fields.model_fields}
    for name, given in GIVEN.items():
        assert set(given) == set(KINDS[name].fields.model_fields)


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_given_is_taken(name, colours, tiny_backbone, features):
    found = measure(name, tiny_backbone, colours, features, GIVEN[name]).metrics
    for metric, value in CHOSEN[name].items():
        assert found[metric] == pytest.approx([value, value], rel=1e-5), metric


@pytest.mark.parametrize("name", GIVEN)
def test_each_that_is_left_out_is_still_chosen(name, colours, tiny_backbone, features):
    whole = measure(name, tiny_backbone, colours, features).metrics
    for given, value in GIVEN[name].items():
        found = measure(name, tiny_backbone, colours, features, {given: value}).metrics
        assert set(found) == set(whole)
        assert all(0 <= each <= 100 for each in found["val/accuracy"])


def test_a_cache_with_given_strengths_is_the_formula(colours, tiny_backbone, features):
    found = measure("tip_adapter", tiny_backbone, colours, features, GIVEN["tip_adapter"])
    keys = torch.nn.functional.normalize(features.train.double().mean(dim=2), dim=-1)
    texts = tiny_backbone.encode_texts(colours.zero_shot_texts()).double()
    for r in range(2):
        one_hot = torch.nn.functional.one_hot(features.train_labels[r], len(texts)).double()
        images = features.val[r].double()
        cached = torch.exp(-2.5 * (1 - images @ keys[r].T)) @ one_hot
        wanted = (tiny_backbone.logit_scale * images @ texts.T + 3.0 * cached).argmax(dim=1)
        right = 100 * float((wanted == features.val_labels[r]).double().mean())
        assert found.metrics["val/accuracy"][r] == pytest.approx(right)


def test_of_a_method_those_that_are_not_none():
    method = Method(prompt="taskres", residual_alpha=0.5).model_dump()
    assert given_strengths(method) == {"residual_alpha": 0.5}
    assert given_strengths({**method, "prompt": "lp_plus_plus"}) == {}


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        (
            "taskres",
            {"cache_alpha": 1.0},
            "strengths: not fields of taskres; found .*; allowed: its own fields: ",
        ),
        ("taskres", 3, "strengths: not fields of taskres; found 3"),
        ("lp_plus_plus", {"views": 3}, "strengths: not fields of lp_plus_plus; .*allowed: None: it has no"),
        ("taskres", {"residual_alpha": 0.0}, "residual_alpha: out of range; found 0"),
        ("clip_adapter", {"adapter_ratio": 1.5}, "adapter_ratio: out of range; found 1.5"),
    ],
)
def test_strengths_that_mean_nothing_are_refused(kind, given, told):
    with pytest.raises(UserError, match=told):
        ns.fit_reference(kind, "icon-clip", "digits", strengths=given)


def test_a_row_is_not_trained_as_a_prompt(tiny_backbone):
    method = ns.read_method({"prompt": "taskres"})
    told = r"prompt: a row without a prompt; found 'taskres'; allowed: coop, .*ns\.fit_reference\('taskres', "
    with pytest.raises(UserError, match=told):
        ns.fit("icon-clip", "digits", method)
    with pytest.raises(UserError, match=told):
        ns.Trainer(tiny_backbone, ["cat"], method, (1,))
