import json
import pickle
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from open_clip.model import CustomTextCLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save_file

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.building import build_model
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.preprocess import Preprocess
from nemesis_sweep.vlm.text import encode_text
from tests.vlm.conftest import VISION, random_context

TEXT = {"width": 64, "heads": 2, "layers": 2, "vocab_size": 49408, "context_length": 40}
CONFIG: dict[str, Any] = {"embed_dim": 24, "vision_cfg": VISION, "text_cfg": TEXT}
PREPROCESS = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bilinear"}


def save_folder(folder: Path, *, custom: bool = False, compact: list[int] | None = None) -> Any:
    """A model folder: config and fp16 weights, with all of the vocabulary or a compact one."""
    config = {**CONFIG, "custom_text": custom}
    model = build_model(config)
    state = {name: tensor.half() for name, tensor in model.state_dict().items()}
    if compact is not None:
        prefix = "text." if custom else ""
        rows = state[f"{prefix}token_embedding.weight"][compact].clone()
        state[f"{prefix}token_embedding.weight"] = rows
        state[f"{prefix}token_embedding.ids"] = torch.tensor(compact, dtype=torch.int32)
    folder.mkdir(exist_ok=True)
    save_file(state, folder / "open_clip_model.safetensors")
    text = json.dumps({"model_cfg": config, "preprocess_cfg": PREPROCESS})
    (folder / "open_clip_config.json").write_text(text)
    return model


def test_a_folder_gives_back_its_model(tmp_path: Path) -> None:
    model = save_folder(tmp_path / "m")
    backbone = load_backbone(str(tmp_path / "m"))
    tokenizer = SimpleTokenizer(context_length=40)
    with torch.no_grad():
        theirs = model.encode_text(tokenizer(["a cat", "a dog"]), normalize=True)
        pixels = torch.randn(2, 3, 32, 32)
        images = model.encode_image(pixels, normalize=True)
    torch.testing.assert_close(backbone.encode_texts(["a cat", "a dog"]), theirs, rtol=0.02, atol=0.01)
    torch.testing.assert_close(backbone.encode_image(pixels), images, rtol=0.02, atol=0.01)
    assert backbone.preprocess == Preprocess(32, (0.5,) * 3, (0.25,) * 3, "bilinear")
    assert backbone.logit_scale == pytest.approx(1 / 0.07, rel=1e-3)
    assert (backbone.embed_dim, backbone.text_width, backbone.text.dtype) == (24, 64, torch.float32)


@pytest.mark.parametrize("custom", [False, True])
def test_a_compact_vocabulary_is_expanded_and_its_gaps_are_warned_about(tmp_path: Path, custom: bool) -> None:
    tokenizer = SimpleTokenizer(context_length=40)
    ids = [token for token in tokenizer(["X cat dog ."])[0].tolist() if token]
    model = save_folder(tmp_path / "m", custom=custom, compact=sorted(set(ids)))
    backbone = load_backbone(str(tmp_path / "m"))
    owner = model.text if custom else model
    full = owner.token_embedding.weight[ids]
    torch.testing.assert_close(backbone.text.token_embedding.weight[ids], full, rtol=0.01, atol=1e-3)
    assert float(backbone.text.token_embedding.weight.abs().sum(1).ne(0).sum()) == len(set(ids))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backbone.layout(["cat", "dog"], 2)
    with pytest.warns(UserWarning, match=r"1 of 2 texts uses tokens it does not have.*'axolotl' \(100%\)"):
        backbone.layout(["cat", "axolotl"], 2)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    save_folder(tmp_path)
    config = json.loads((tmp_path / "open_clip_config.json").read_text())
    config["model_cfg"]["embed_dim"] = 25
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="do not fit the architecture"):
        load_backbone(str(tmp_path))


def test_broken_files_are_refused(tmp_path: Path) -> None:
    save_folder(tmp_path)
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(UserError, match="cannot be read"):
        load_backbone(str(tmp_path))
    (tmp_path / "open_clip_config.json").write_text("{")
    with pytest.raises(UserError, match="not a usable model configuration"):
        load_backbone(str(tmp_path))


def test_a_folder_with_no_weights_is_refused(tmp_path: Path) -> None:
    save_folder(tmp_path)
    (tmp_path / "open_clip_model.safetensors").unlink()
    with pytest.raises(UserError, match="which weights"):
        load_backbone(str(tmp_path))


def test_a_local_file_with_a_named_architecture(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="do not fit the architecture"):
        save_folder(tmp_path)
        load_backbone(f"RN50@{tmp_path / 'open_clip_model.safetensors'}")


def test_random_weights_are_always_the_same_and_leave_the_generator_alone() -> None:
    torch.manual_seed(3)
    first = torch.rand(1)
    torch.manual_seed(3)
    one = build_model(CONFIG).state_dict()
    assert torch.equal(torch.rand(1), first)
    two = build_model(CONFIG).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def from_open_clip(**extra: Any) -> Backbone:
    return backbone_from_open_clip(build_model({**CONFIG, **extra}), SimpleTokenizer(context_length=40))


def test_a_model_that_somebody_already_has() -> None:
    backbone = from_open_clip()
    layout = backbone.layout(["cat", "red_dog"], 4, "middle")
    context = random_context((2, 4, 64), dtype=torch.float32)
    features = encode_text(backbone.text, layout, context)
    features.sum().backward()
    assert features.shape == (2, 2, 24)
    assert context.grad is not None
    assert not any(parameter.requires_grad for parameter in backbone.visual.parameters())
    assert not backbone.visual.training


def test_siglip_keeps_its_bias() -> None:
    backbone = from_open_clip(custom_text=True, init_logit_bias=-10)
    assert backbone.logit_bias == pytest.approx(-10)
    assert from_open_clip().logit_bias is None
    assert isinstance(build_model({**CONFIG, "custom_text": True}), CustomTextCLIP)


def test_the_fingerprint_follows_weights_and_structure() -> None:
    one, same, other = from_open_clip(), from_open_clip(), from_open_clip(quick_gelu=True)
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert len(one.fingerprint) == 64
    with torch.no_grad():
        next(same.visual.parameters())[0] += 1
    assert replace(same, name="changed").fingerprint != one.fingerprint
    third = from_open_clip()
    with torch.no_grad():
        third.text.token_embedding.weight[7] += 1
    assert third.fingerprint != one.fingerprint


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_precision_moves_both_towers_and_features_stay_fp32(precision: str) -> None:
    backbone = from_open_clip()
    low = backbone.to(precision=precision)
    pixels = torch.randn(2, 3, 32, 32)
    images = low.encode_image(pixels)
    assert images.dtype == torch.float32
    torch.testing.assert_close(images, backbone.encode_image(pixels), rtol=0, atol=0.05)
    torch.testing.assert_close(
        low.encode_texts(["a cat"]), backbone.encode_texts(["a cat"]), rtol=0, atol=0.05
    )
    assert backbone.to(precision="fp32") is backbone
    with pytest.raises(UserError, match="found 'int8'; allowed: fp32, bf16, fp16"):
        backbone.to(precision="int8")


def test_a_backbone_survives_pickling() -> None:
    backbone = from_open_clip()
    again = pickle.loads(pickle.dumps(backbone))
    assert torch.equal(again.encode_texts(["a cat"]), backbone.encode_texts(["a cat"]))
    assert again.fingerprint == backbone.fingerprint
