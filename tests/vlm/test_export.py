"""What is exported is what plain open_clip loads, with the same features."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from nemesis_sweep.vlm.building import build_model
from nemesis_sweep.vlm.export import Exported, export_backbone
from nemesis_sweep.vlm.load_backbone import load_backbone
from tests.vlm.families import save_model, small_config, small_timm


def written(exported: Exported, folder: Path) -> Path:
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps(exported.config))
    save_file(dict(exported.weights), folder / "open_clip_model.safetensors")
    return folder


@pytest.mark.parametrize("architecture", ["RN50-quickgelu", "coca_ViT-B-32", "MobileCLIP-S1", "EVA02-B-16"])
def test_every_kind_of_model_comes_out_as_it_is(architecture: str, tmp_path: Path) -> None:
    with small_timm(architecture):
        config = small_config(architecture)
        mean = {"mean": [0.4, 0.5, 0.6], "interpolation": "bilinear"}
        own = save_model(tmp_path / "own", build_model(config), config, **mean)
        backbone = load_backbone(str(own))
        folder = written(export_backbone(str(own)), tmp_path / "exported")
        model: Any = open_clip.create_model(f"local-dir:{folder}").eval()
    size = backbone.preprocess.image_size
    pixels = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(["a cat", "an old bus"])
    with torch.no_grad():
        images = model.encode_image(pixels, normalize=True)
        texts = model.encode_text(tokens, normalize=True)
    torch.testing.assert_close(images, backbone.encode_image(pixels))
    torch.testing.assert_close(texts, backbone.encode_texts(["a cat", "an old bus"]))
    found = model.visual.preprocess_cfg
    assert (list(found["mean"]), found["interpolation"]) == ([0.4, 0.5, 0.6], "bilinear")
    assert found["size"] in (size, (size, size))
