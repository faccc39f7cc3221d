"""A prompt as one ONNX graph: what onnxruntime gives of real images is what the prompt gives."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

import nemesis_sweep as ns
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.reads import PIXELS
from nemesis_sweep.testing.tiny_backbones import tiny_backbone
from nemesis_sweep.training import onnx_export
from nemesis_sweep.training.classifier import Classifier
from nemesis_sweep.training.onnx_export import FACTS, GRAPH, export_onnx
from nemesis_sweep.vlm.pixels import normalised

CONFIG = json.loads((Path(ns.__file__).parent / "embedded/icon-clip/open_clip_config.json").read_text())
NAMES = ["cat", "dog", "emu"]


def made(backbone: ns.Backbone, **method: object) -> Classifier:
    """A prompt as it is before training, at work."""
    chosen = ns.read_method({"n_ctx": 2, **method} if method.get("prompt") != "vpt" else method)
    values = learner_of(chosen.prompt).start(backbone, chosen, NAMES, [torch.Generator().manual_seed(3)])
    prompt = ns.Prompt(values, backbone.name, backbone.fingerprint, NAMES, (3,), chosen.model_dump())
    return Classifier(prompt, backbone)


def run(folder: Path, pixels: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    session = onnxruntime.InferenceSession(str(folder / GRAPH), providers=["CPUExecutionProvider"])
    probabilities, logits = session.run(["probabilities", "logits"], {"pixels": pixels.numpy()})
    return probabilities, logits


def test_its_probabilities_are_those_of_the_prompt(tmp_path) -> None:
    classifier = made(ns.load_backbone("icon-clip"))
    difference = export_onnx(classifier, tmp_path / "to", "here")
    images = [item.read() for item in ns.load_dataset("digits").test[:5]]
    preprocess = image_transform_v2(PreprocessCfg(**CONFIG["preprocess_cfg"], size=48), is_train=False)
    pixels = torch.stack([preprocess(Image.open(io.BytesIO(image)).convert("RGB")) for image in images])
    probabilities, logits = run(tmp_path / "to", pixels)
    assert np.abs(probabilities - classifier.probabilities(images).numpy()).max() < 1e-5
    assert np.abs(torch.from_numpy(logits).softmax(dim=-1).numpy() - probabilities).max() < 1e-6
    facts = json.loads((tmp_path / "to" / FACTS).read_text())
    assert (facts["classnames"], facts["seed"], facts["source"]) == (NAMES, 3, "here")
    assert facts["preprocess"]["image_size"] == 48
    assert facts["largest_difference_from_torch"] == difference < 1e-5


def test_a_vision_transformer_too(tmp_path) -> None:
    classifier = made(tiny_backbone())
    export_onnx(classifier, tmp_path / "to")
    pixels = torch.randn(7, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    wanted = classifier._classify(classifier.backbone.encode_image(pixels)[None])[0].softmax(dim=-1)
    assert np.abs(run(tmp_path / "to", pixels)[0] - wanted.detach().numpy()).max() < 1e-5


@pytest.mark.parametrize(
    ("kind", "last"),
    [pytest.param("vpt", None, marks=pytest.mark.slow), ("maple", 2), ("promptsrc", None)],
)
def test_vectors_in_the_image_tower_are_in_the_graph(kind, last, tmp_path) -> None:
    backbone = tiny_backbone(PIXELS)
    classifier = made(backbone, prompt=kind, vision_last=last)
    export_onnx(classifier, tmp_path / "to")
    taken = torch.randint(256, (5, 32, 32, 3), generator=torch.Generator().manual_seed(1)).byte()
    pixels = normalised(taken, backbone.preprocess)
    read = taken if last is None else backbone.encode_image(pixels, f"states-{last}")
    wanted = classifier._classify(read[None])[0].softmax(dim=-1)
    assert np.abs(run(tmp_path / "to", pixels)[0] - wanted.detach().numpy()).max() < 1e-5


@pytest.mark.parametrize("kind", ["cocoop", "plot"])
def test_what_is_no_matrix_is_refused(kind, tmp_path) -> None:
    classifier = made(tiny_backbone(PIXELS), prompt=kind)
    with pytest.raises(UserError, match="no matrix of text features"):
        export_onnx(classifier, tmp_path / "to")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_differs_is_not_written(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(onnx_export, "TOLERANCE", 0.0)
    with pytest.raises(UserError, match="the ONNX graph does not give what torch gives; nothing was written"):
        export_onnx(made(tiny_backbone()), tmp_path / "to")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_else_stays(tmp_path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds something else; found .* with mine.txt"):
        export_onnx(made(tiny_backbone()), tmp_path)


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(onnx_export, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(UserError, match=r"needs onnxscript, .*allowed: pip install 'nemesis-sweep\[onnx\]'"):
        export_onnx(made(tiny_backbone()), tmp_path / "to")
