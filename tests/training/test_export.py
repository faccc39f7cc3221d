"""A prompt as a matrix: plain open_clip with it classifies as the prompt does."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import load_file

import nemesis_sweep as ns
from nemesis_sweep.files.tensor_file import save_tensors
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.training.classifier import Classifier
from nemesis_sweep.training.export import export_text_features
from nemesis_sweep.vlm.load_backbone import load_backbone

CONFIG = json.loads((Path(ns.__file__).parent / "embedded/icon-clip/open_clip_config.json").read_text())

METHOD = {"n_ctx": 2, "epochs": 1, "views": 1}


@pytest.fixture(scope="module")
def prompt() -> ns.Prompt:
    return ns.fit("icon-clip", "digits", METHOD, shots=1, seeds=(1, 2)).prompt


def classifies_as(classifier: Classifier, folder: Path) -> None:
    """What a classifier exports into a folder classifies as it does, in plain open_clip."""
    export_text_features(classifier, folder)
    images = [item.read() for item in ns.load_dataset("digits").test[:8]]
    model = load_backbone("icon-clip").visual
    preprocess = image_transform_v2(PreprocessCfg(**CONFIG["preprocess_cfg"], size=48), is_train=False)

    features = load_file(folder / "text_features.safetensors")
    pixels = torch.stack([preprocess(Image.open(io.BytesIO(image)).convert("RGB")) for image in images])
    with torch.no_grad():
        seen = torch.nn.functional.normalize(model(pixels), dim=-1)
    found = (features["logit_scale"] * seen @ features["text_features"].T).softmax(dim=-1)
    assert torch.allclose(found, classifier.probabilities(images), atol=1e-5)


def test_its_probabilities_are_those_of_the_prompt(prompt, tmp_path) -> None:
    classifies_as(Classifier(prompt, seed=2), tmp_path)
    facts = json.loads((tmp_path / "text_features.json").read_text())
    assert (facts["classnames"], facts["seed"]) == (list(prompt.classnames), 2)
    assert facts["backbone"] == "icon-clip"


def test_a_residual_on_text_features_is_a_matrix(tmp_path) -> None:
    reference = ns.fit_reference("taskres", "icon-clip", "digits", shots=1, seeds=(1, 2)).reference
    classifies_as(Classifier(reference, seed=2), tmp_path)


@pytest.mark.parametrize("kind", ["linear_probe", "tip_adapter", "clip_adapter"])
def test_other_rows_are_no_matrix(kind, tmp_path) -> None:
    reference = ns.fit_reference(kind, "icon-clip", "digits", shots=1, seeds=(1,)).reference
    with pytest.raises(UserError, match=r"no matrix of text features; allowed: .* or taskres"):
        export_text_features(Classifier(reference), tmp_path)


def test_several_prompts_are_no_matrix(prompt, tmp_path) -> None:
    with pytest.raises(UserError, match="one matrix is of one prompt"):
        export_text_features(Classifier(prompt), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_features_that_depend_on_the_image_are_no_matrix(tmp_path) -> None:
    cocoop = ns.fit("icon-clip", "digits", {**METHOD, "prompt": "cocoop"}, shots=1, seeds=(1,)).prompt
    with pytest.raises(UserError, match="no matrix of text features"):
        export_text_features(Classifier(cocoop), tmp_path)


def test_a_folder_with_something_else_is_left_as_it_is(prompt, tmp_path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"holds something else; found .* with thesis\.tex"):
        export_text_features(Classifier(prompt, seed=1), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_export_that_ends_half_way_leaves_the_former_one(prompt, tmp_path, monkeypatch) -> None:
    def ends(path: Path, tensors: dict[str, torch.Tensor]) -> None:
        save_tensors(path, tensors)
        raise KeyboardInterrupt

    folder = tmp_path / "exported"
    export_text_features(Classifier(prompt, seed=1), folder)
    former = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("nemesis_sweep.files.tensors_and_facts.save_tensors", ends)
    with pytest.raises(KeyboardInterrupt):
        export_text_features(Classifier(prompt, seed=2), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == former
    assert [path.name for path in tmp_path.iterdir()] == ["exported"]
