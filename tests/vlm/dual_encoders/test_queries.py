"""Images with several features (BLIP-2): the nearest to a text counts; what needs one feature is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.store import FeatureStore
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.artifact import load_prompt, save_prompt
from nemesis_sweep.prompts.coop import CoOp
from nemesis_sweep.prompts.text_classifier import TextClassifier
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.outside.methods import read_method
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.training.api import fit
from nemesis_sweep.training.classifier import Classifier
from nemesis_sweep.training.references.fitted import fit_reference
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.backbone import Backbone
from tests.vlm.dual_encoders.conftest import Tiny
from tests.vlm.dual_encoders.tiny import DIM, NAMES

PUN = Path(__file__).parents[3] / "search_spaces" / "pun.yaml"


class OfOne(CoOp):
    """A kind from outside that says so of itself."""

    one_feature = True


@pytest.fixture
def blip2(tiny: Callable[[str], Tiny]) -> Tiny:
    return tiny("blip-2")


def test_variants_of_a_prompt_are_scored_as_prompts_of_their_own(blip2: Tiny) -> None:
    """PAN's way through many prompts at once, against one prompt after the other."""
    backbone = blip2.backbone
    images = F.normalize(torch.randn(1, 5, 4, DIM, generator=torch.Generator().manual_seed(1)), dim=-1)
    learner = Trainer(backbone, NAMES, Method(n_ctx=2), seeds=(1,)).learner
    places, scales = torch.tensor([[0, 1]]), torch.tensor([[0.5, 2.0]])
    together = learner.classifier(variants=True).rescaled(images, places, scales)
    for number, (place, scale) in enumerate([(0, 0.5), (1, 2.0)]):
        alone = Trainer(backbone, NAMES, Method(n_ctx=2), seeds=(1,)).learner
        with torch.no_grad():
            alone.context[0, place] *= scale
            torch.testing.assert_close(together[:, number], alone.classifier()(images), rtol=1e-4, atol=1e-5)


def test_it_is_fitted_kept_and_used(blip2: Tiny, colours: Dataset, tmp_path: Path) -> None:
    stored = FeatureStore(blip2.backbone, 1).features(colours.test[:2])
    assert stored.shape == (2, 1, 4, DIM)
    result = fit(blip2.backbone, colours, shots=1, seeds=(1, 2), method={"epochs": 2, "n_ctx": 2})
    save_prompt(tmp_path, result.prompt)
    classifier = Classifier(load_prompt(tmp_path), blip2.folder)
    found = classifier.probabilities([item.read() for item in colours.test])
    assert found.shape == (len(colours.test), len(colours.classnames))
    # By hand: the nearest of the four features, of two prompts the mean.
    cosines = stored[:, 0] @ classifier_texts(classifier).mT[:, None]
    by_hand = (classifier.backbone.logit_scale * cosines.amax(dim=2)).softmax(dim=-1).mean(dim=0)
    torch.testing.assert_close(found[:2], by_hand, rtol=1e-4, atol=1e-5)


def classifier_texts(classifier: Classifier) -> torch.Tensor:
    """The text features (R, C, E) at work."""
    made = classifier._classify
    assert isinstance(made, TextClassifier)
    return made.texts


def test_what_needs_one_feature_of_an_image_is_refused(blip2: Tiny, colours: Dataset) -> None:
    backbone: Backbone = blip2.backbone
    with pytest.raises(UserError, match=r"cocoop needs one feature of an image; found .* with 4 features"):
        Trainer(backbone, NAMES, Method(prompt="cocoop", n_ctx=2), seeds=(1,))
    with pytest.raises(UserError, match="test_queries:OfOne needs one feature of an image"):
        Trainer(backbone, NAMES, read_method({"prompt": f"{__name__}:OfOne"}), seeds=(1,))
    with pytest.raises(UserError, match="tip_adapter needs one feature of an image"):
        fit_reference("tip_adapter", backbone, colours, shots=1, seeds=(1,))
    result = fit(backbone, colours, shots=1, seeds=(1,), method={"epochs": 1, "n_ctx": 2})
    with pytest.raises(UserError, match="one matrix of text features needs one feature of an image"):
        _ = Classifier(result.prompt, backbone).text_features


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (["method.prompt=cocoop"], "cocoop needs one feature of an image"),
        ([f"method.prompt={__name__}:OfOne"], r"\S*OfOne needs one feature of an image"),
        (["method.prompt=linear_probe"], "linear_probe needs one feature of an image"),
        (["search.baselines=[coop, tip_adapter, taskres]"], "tip_adapter, taskres need one feature"),
    ],
)
def test_what_needs_one_feature_is_told_before_a_run(blip2: Tiny, own: list[str], message: str) -> None:
    given = [f"tasks.backbone={blip2.folder}", "tasks.logit_scale=14", *own]
    with pytest.raises(UserError, match=rf"tasks\.backbone: {message}.*, and an image has several of BLIP-2"):
        load_sweep(PUN, (*given, "space={omega: {low: 1, high: 10}}"), known_names())


def test_what_takes_several_is_not_refused(blip2: Tiny) -> None:
    load_sweep(PUN, (f"tasks.backbone={blip2.folder}", "tasks.logit_scale=14"), known_names())
