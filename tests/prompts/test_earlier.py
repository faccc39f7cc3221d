"""Prompts and checkpoints of the version that knew CoOp alone, kept in `earlier/`: read, and gone on with.

They were made on digits, one shot, seeds 1 and 2, by PAN with three vectors; `expected.json` has the test
accuracies that this version measured, the checkpoint is of the second of four epochs.
"""

import json
from pathlib import Path

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.training.checkpoint import load_checkpoint

EARLIER = Path(__file__).parent / "earlier"
EXPECTED = json.loads((EARLIER / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def digits():
    return ns.load_dataset("digits")


@pytest.fixture(scope="module")
def icon_clip():
    return ns.load_backbone("icon-clip")


@pytest.mark.parametrize(("name", "kept"), [("test/accuracy", "prompt"), ("csc", "prompt_csc")])
def test_a_prompt_classifies_as_it_did(digits, icon_clip, name, kept):
    prompt = ns.load_prompt(EARLIER / kept)
    assert prompt.kind == "coop" and prompt.class_position == "end"
    labels = torch.tensor([item.label for item in digits.test])
    images = [item.content for item in digits.test]
    found = ns.Classifier(prompt, icon_clip, seed=2).probabilities(images).argmax(dim=1)
    assert 100 * float((found == labels).double().mean()) == pytest.approx(EXPECTED[name][1])


def test_training_goes_on_from_a_checkpoint(digits, icon_clip):
    """To the vectors that the earlier version ended with, and the same count of PAN's choices."""
    prompt = ns.load_prompt(EARLIER / "prompt")
    method = ns.Method.model_validate(prompt.method)
    features = ns.episode_features(digits, icon_clip, 1, (1, 2), 1)
    fit = ns.TrainingRun(icon_clip, digits.classnames, method, (1, 2), features)
    state = load_checkpoint(EARLIER / "checkpoint", "someone")
    assert state is not None and "momentum" in state
    fit.load_state(state)
    while not fit.done:
        fit.run_epoch()
    torch.testing.assert_close(fit.prompt().context, prompt.context, rtol=1e-5, atol=1e-7)
    assert fit.selected_share() == EXPECTED["share"]
