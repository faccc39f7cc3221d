"""Folders and hub repositories of transformers' dual encoders, whole and broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from click.testing import CliRunner
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import load_file, save_file

from nemesis_sweep.cli import main
from nemesis_sweep.data.views import CENTRE, view
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.configuration import (
    context_length,
    no_image_blocks,
    no_patches,
    stores_scale,
    text_blocks,
)
from nemesis_sweep.vlm.dual_encoders.described import is_dual_encoder
from nemesis_sweep.vlm.dual_encoders.families import NORM_NOTE
from nemesis_sweep.vlm.export import export_backbone
from nemesis_sweep.vlm.hub import cached_models
from nemesis_sweep.vlm.inspection import inspect_backbone
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.pixels import normalised
from nemesis_sweep.vlm.presence import missing_here
from nemesis_sweep.vlm.registry import find_backbone
from tests.vlm.dual_encoders.conftest import Tiny
from tests.vlm.dual_encoders.own import patched


@pytest.fixture
def blip(tiny: Callable[[str], Tiny], tmp_path: Path) -> Path:
    """A folder with a tiny BLIP that may be broken."""
    return Path(shutil.copytree(tiny("blip").folder, tmp_path / "blip"))


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def change_weights(folder: Path, name: str, tensor: torch.Tensor | None) -> None:
    state = load_file(folder / "model.safetensors")
    del state[name]
    save_file(state | ({} if tensor is None else {name: tensor}), folder / "model.safetensors")


def unknown_family(folder: Path) -> None:
    change(folder / "config.json", model_type="bliip")


def no_family(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickled_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def no_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)


def no_settings_of_images(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()


def no_squares(folder: Path) -> None:
    change(folder / "preprocessor_config.json", size={"longest_edge": 32})


def another_size(folder: Path) -> None:
    change(folder / "preprocessor_config.json", size={"height": 48, "width": 48})


def no_projection(folder: Path) -> None:
    change_weights(folder, "text_proj.weight", None)


def another_projection(folder: Path) -> None:
    change_weights(folder, "text_proj.weight", torch.zeros(3, 32))


def change_text(folder: Path, **values: Any) -> None:
    text = json.loads((folder / "config.json").read_text())["text_config"]
    change(folder / "config.json", text_config=text | values)


def no_heads(folder: Path) -> None:
    change_text(folder, num_attention_heads=5)


def width_in_words(folder: Path) -> None:
    change_text(folder, hidden_size="wide")


def fewer_blocks(folder: Path) -> None:
    change_text(folder, num_hidden_layers=1)


def empty_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def black_images(folder: Path) -> None:
    change(folder / "preprocessor_config.json", rescale_factor=0)


def one_colour(folder: Path) -> None:
    change(folder / "preprocessor_config.json", image_mean=[0.5])


def no_deviation(folder: Path) -> None:
    change(folder / "preprocessor_config.json", image_std=[0.5, 0, 0.5])


def whole_numbers(folder: Path) -> None:
    change_weights(folder, "text_proj.weight", torch.ones(24, 32, dtype=torch.int8))


def one_lost_number(folder: Path) -> None:
    lost = torch.ones(24, 32)
    lost[3, 5] = torch.nan
    change_weights(folder, "text_proj.weight", lost)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (unknown_family, "of no family that is known here.*found model_type 'bliip'.*Did you mean 'blip'"),
        (no_family, "of no family that is known here.*found model_type ''"),
        (no_weights, "which weights"),
        (pickled_weights, "pickled weights are not read"),
        (no_tokenizer, "no tokenizer beside the model's weights"),
        (no_settings_of_images, "no settings of the model's images beside its weights"),
        (no_squares, "these settings of images cannot be used.*longest_edge.*squares of one size"),
        (another_size, "not of the size that the image tower takes; found 48 pixels, and 32 in config.json"),
        (no_projection, "the weights lack what BlipForImageTextRetrieval needs.*no text_proj.weight"),
        (
            another_projection,
            r"do not fit the architecture.*text_proj.weight is \(3, 32\) and not \(24, 32\)",
        ),
        (no_heads, "transformers cannot use this configuration.*not a multiple of the number of attention"),
        (width_in_words, "transformers cannot use this configuration.*'hidden_size'.*expected int, got str"),
        (fewer_blocks, "the weights have more blocks than the configuration.*text_encoder.encoder.layer.1"),
        (empty_tokenizer, "cannot load the tokenizer.*KeyError"),
        (black_images, "preprocessor_config.json: these settings of images.*division by zero"),
        (one_colour, r"preprocessor_config.json: these settings.*found mean \[0.5\]"),
        (no_deviation, r"preprocessor_config.json: these settings.*found std \[0.5, 0.0, 0.5\]"),
        (whole_numbers, "these weights are quantised; found .*text_proj.weight is int8"),
        (one_lost_number, "text tower's weights are not all finite; found .* has 1 of 768"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_line(
    blip: Path, broken: Callable[[Path], None], told: str
) -> None:
    broken(blip)
    with pytest.raises(UserError, match=told) as raised:
        load_backbone(str(blip))
    (line,) = str(raised.value).splitlines()
    assert "Traceback" not in line


def no_padding(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pad_token": None}))


def three_heads(folder: Path) -> None:
    change_text(folder, num_attention_heads=3)


def larger_images(folder: Path) -> None:
    change(folder / "preprocessor_config.json", crop_size={"height": 48, "width": 48})


def few_positions(folder: Path) -> None:
    change_text(folder, max_position_embeddings=2)


def no_temperature(folder: Path) -> None:
    change_weights(folder, "temperature", torch.tensor(0.0))


def huge_scale(folder: Path) -> None:
    change_weights(folder, "logit_scale", torch.tensor(1000.0))


@pytest.mark.parametrize(
    ("family", "broken", "told"),
    [
        ("clip", no_padding, "the tokenizer .* has no token that fills texts up; allowed: pad_token in"),
        ("clip", three_heads, "config.json: not a usable model configuration.*divisible by num_heads"),
        ("clip", larger_images, "not of the size that the image tower takes; found 48 pixels, and 32"),
        ("align", no_temperature, "no factor on cosines that can be used; found inf"),
        ("clip", huge_scale, "no factor on cosines that can be used; found inf"),
        ("tipsv2", few_positions, "config.json: no model has these sizes; found ValueError: Sequence length"),
        ("blip", few_positions, "(no model has these sizes|the weights do not fit the architecture)"),
    ],
)
def test_what_is_wrong_is_told_by_a_look_and_by_loading(
    tiny: Callable[[str], Tiny], tmp_path: Path, family: str, broken: Callable[[Path], None], told: str
) -> None:
    folder = Path(shutil.copytree(tiny(family).folder, tmp_path / family))
    broken(folder)
    for way in (inspect_backbone, load_backbone):
        with pytest.raises(UserError, match=told):
            way(str(folder))


def test_padding_may_be_any_word(tiny: Callable[[str], Tiny], tmp_path: Path) -> None:
    """A look at a model takes few of its words."""
    folder = Path(shutil.copytree(tiny("blip").folder, tmp_path / "blip"))
    change_text(folder, vocab_size=200, pad_token_id=150)
    assert inspect_backbone(str(folder)).text_path == "cut"


def test_texts_that_are_too_long_are_refused(tiny: Callable[[str], Tiny]) -> None:
    backbone = tiny("blip").backbone
    with pytest.raises(UserError, match=r"'cat cat.*needs 42.*allowed: at most 35 tokens"):
        backbone.encode_texts(["cat " * 40])
    with pytest.raises(UserError, match="1 of 1 prompt does not fit the text tower with n_ctx 40"):
        backbone.layout(["cat"], 40)


def test_weights_of_a_part_that_is_not_used_may_be_missing(blip: Path, tiny: Callable[[str], Tiny]) -> None:
    """Such as the head that compares a text with the patches of one image."""
    change_weights(blip, "itm_head.weight", None)
    assert load_backbone(str(blip)).fingerprint == tiny("blip").backbone.fingerprint


def test_nothing_random_is_taken_from_the_caller(blip: Path) -> None:
    torch.manual_seed(7)
    load_backbone(str(blip))
    inspect_backbone(str(blip))
    after = torch.rand(1)
    torch.manual_seed(7)
    assert torch.equal(after, torch.rand(1))


def test_a_hub_repository_is_read_from_the_cache(
    blip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Callable[[str], Tiny]
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    root = tmp_path / "hub" / "models--me--blip"
    shutil.copytree(blip, root / "snapshots" / ("1" * 40))
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("1" * 40)
    name = "hf-hub:me/blip"
    assert missing_here(name) == []
    assert cached_models(is_dual_encoder) == [name]
    assert load_backbone(name).fingerprint == tiny("blip").backbone.fingerprint
    assert inspect_backbone(name).weights == name
    (root / "snapshots" / ("1" * 40) / "preprocessor_config.json").unlink()
    assert [needed.names[0] for needed in missing_here(name)] == ["preprocessor_config.json"]
    with pytest.raises(
        UserError, match=r"cannot get preprocessor_config.json or processor_config.json of me/blip"
    ):
        load_backbone(name)


def test_a_repository_with_open_clips_configuration_is_open_clips(blip: Path) -> None:
    embedded = find_backbone("icon-clip").path
    assert embedded is not None
    shutil.copy(embedded / "open_clip_config.json", blip)
    with pytest.raises(UserError, match="the weights do not fit the architecture"):
        load_backbone(str(blip))


def test_what_is_known_before_anything_is_loaded(each: Tiny) -> None:
    name = str(each.folder)
    facts = inspect_backbone(name)
    tower = each.backbone.text
    assert facts.text_path == each.family.path
    assert (facts.text_width, facts.text_layers, facts.text_heads) == (tower.width, tower.layers, tower.heads)
    assert (facts.embed_dim, facts.context_length) == (tower.embed_dim, tower.context_length)
    assert facts.logit_scale == pytest.approx(each.backbone.logit_scale)
    assert facts.causal == tower.causal
    assert facts.scale_stored == stores_scale(name) == each.backbone.scale_stored
    assert (NORM_NOTE in facts.note) == each.family.normed
    assert context_length(name) == tower.context_length
    assert missing_here(name) == []


def test_what_reaches_into_its_blocks_is_refused_by_name(tiny: Callable[[str], Tiny]) -> None:
    name = str(tiny("blip").folder)
    assert text_blocks(name) == 0
    reason = "its image tower is that of transformers' BlipForImageTextRetrieval"
    assert no_patches(name) == no_image_blocks(name) == reason
    with pytest.raises(UserError, match=r"open_clip has no class for BLIP"):
        export_backbone(name)


def test_images_are_made_as_its_own_image_processor_makes_them(each: Tiny) -> None:
    from transformers import AutoImageProcessor

    noise = torch.randint(0, 256, (50, 70, 3), generator=torch.Generator().manual_seed(2)).byte().numpy()
    naflex = each.family.model_type == "siglip2"
    image = Image.fromarray(noise).resize((140, 140 if naflex else 100), Image.Resampling.BICUBIC)
    processor = AutoImageProcessor.from_pretrained(each.folder)
    own = processor(image, return_tensors="pt").pixel_values
    preprocess = each.backbone.preprocess
    taken = torch.from_numpy(view(image, CENTRE, "", preprocess).copy())[None]
    ours = normalised(taken, preprocess)
    if naflex:  # Which gives patches.
        ours = patched(ours)["pixel_values"]
    # In grey levels: torchvision rounds elsewhere than PIL.
    levels = (ours - own).abs() * max(preprocess.std) * 255
    assert ours.shape == own.shape
    assert float(levels.max()) <= 2
    assert float(levels.mean()) < 0.3


def test_clip_is_exported_as_open_clips_own(tiny: Callable[[str], Tiny], tmp_path: Path) -> None:
    """A CLIP that was fine-tuned with transformers becomes a folder that plain open_clip loads."""
    one, folder = tiny("clip"), tmp_path / "exported"
    result = CliRunner().invoke(main, ["backbones", "--export", str(one.folder), str(folder)])
    assert result.exit_code == 0, result.output
    model: Any = open_clip.create_model(f"local-dir:{folder}").eval()
    ids = open_clip.get_tokenizer(f"local-dir:{folder}")(["a red bus"])
    with torch.no_grad():
        texts = model.encode_text(ids, normalize=True)
    torch.testing.assert_close(texts, one.backbone.encode_texts(["a red bus"]), rtol=1e-5, atol=1e-6)
    again = load_backbone(str(folder))
    assert (again.fingerprint, again.preprocess) == (one.backbone.fingerprint, one.backbone.preprocess)


def test_a_clip_that_open_clip_has_no_words_for_is_refused(
    tiny: Callable[[str], Tiny], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny("clip").folder, tmp_path / "clip"))
    text = json.loads((folder / "config.json").read_text())["text_config"]
    change(folder / "config.json", text_config=text | {"hidden_act": "relu"})
    with pytest.raises(UserError, match="open_clip has no words for this model of CLIP; found activations"):
        load_backbone(str(folder))
