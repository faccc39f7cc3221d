"""Weights in the forms that real checkpoints have, made here of small models; nothing is downloaded."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm import loading
from nemesis_sweep.vlm.building import build_model
from nemesis_sweep.vlm.hub import cached_models
from nemesis_sweep.vlm.inspection import inspect_backbone
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.published import entry, hub_files
from tests.vlm.families import save_model, small_config, small_timm

TEXTS = ["a cat", "a golden retriever"]


@pytest.fixture(autouse=True)
def small_architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Architectures by name are the small ones."""

    def config(name: str) -> dict[str, Any]:
        made = small_config(name.removesuffix("-quickgelu") + "-quickgelu")
        return made if name.endswith("-quickgelu") else {k: v for k, v in made.items() if k != "quick_gelu"}

    monkeypatch.setattr(loading, "architecture_config", config)


@pytest.fixture()
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A hub cache of its own, without a network; returns what puts files of a repository into it."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    def put(repository: str, files: Path, revision: str = "1" * 40, *, newest: bool = True) -> Path:
        root = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        snapshot = root / "snapshots" / revision
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(files, snapshot)
        if newest:
            (root / "refs").mkdir(exist_ok=True)
            (root / "refs" / "main").write_text(revision)
        return snapshot

    return put


def openai_state(model: Any) -> dict[str, Tensor]:
    """A state dict as in OpenAI's checkpoints: half precision, and three numbers beside the weights."""
    state = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    sizes = {"input_resolution": 32, "context_length": 77, "vocab_size": 49408}
    return state | {name: torch.tensor(size) for name, size in sizes.items()}


def texts_of(model: Any) -> Tensor:
    import open_clip

    with torch.no_grad():
        return model.encode_text(open_clip.SimpleTokenizer()(TEXTS), normalize=True)


@pytest.mark.parametrize("architecture", ["RN50", "RN101", "ViT-B-16"])
def test_openais_own_checkpoints_get_quickgelu_whatever_they_are_called(
    architecture: str, tmp_path: Path
) -> None:
    model = build_model(small_config(f"{architecture}-quickgelu"))
    save_file(openai_state(model), tmp_path / "clip.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backbone = load_backbone(f"{architecture}@{tmp_path / 'clip.safetensors'}")
        named = load_backbone(f"{architecture}-quickgelu@{tmp_path / 'clip.safetensors'}")
    torch.testing.assert_close(backbone.encode_texts(TEXTS), texts_of(model), rtol=0, atol=2e-3)
    assert backbone.fingerprint == named.fingerprint
    assert "QuickGELU" in str(backbone.text.transformer)  # type: ignore[attr-defined]
    assert ("QuickGELU" in str(backbone.visual)) == ("ViT" in architecture)


def test_fine_tuned_openai_weights_need_the_quickgelu_name_and_are_warned_about(tmp_path: Path) -> None:
    model = build_model(small_config("ViT-B-16-quickgelu"))
    path = tmp_path / "tuned.safetensors"
    save_file(dict(model.state_dict()), path)
    with pytest.warns(UserWarning, match=rf"with GELU.*name them ViT-B-16-quickgelu@{path}"):
        wrong = load_backbone(f"ViT-B-16@{path}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        right = load_backbone(f"ViT-B-16-quickgelu@{path}")
    torch.testing.assert_close(right.encode_texts(TEXTS), texts_of(model), rtol=1e-5, atol=1e-6)
    assert wrong.fingerprint != right.fingerprint
    assert float((wrong.encode_texts(TEXTS) - texts_of(model)).abs().max()) > 1e-4


def test_a_published_tag_comes_from_the_cache_with_its_activation_and_transform(
    tmp_path: Path, hub: Callable[..., Path]
) -> None:
    config = small_config("ViT-B-16-quickgelu")
    model = build_model(config)
    files = save_model(tmp_path / "m", model, config)
    repository, _ = hub_files(entry("ViT-B-16", "openai"))
    hub(repository, files)
    for name in ("ViT-B-16", "ViT-B-16@openai", "ViT-B-16-quickgelu@openai"):
        backbone = load_backbone(name)
        assert "QuickGELU" in str(backbone.visual)
        torch.testing.assert_close(backbone.encode_texts(TEXTS), texts_of(model), rtol=1e-5, atol=1e-6)
        assert backbone.preprocess.resize_mode == "shortest"
        assert backbone.preprocess.mean == pytest.approx((0.4815, 0.4578, 0.4082), abs=1e-4)


def test_a_tag_that_is_not_in_the_cache_and_cannot_be_reached(hub: Callable[..., Path]) -> None:
    expected = r"cannot get open_clip_model\.safetensors of laion/CLIP-ViT-B-16-laion2B-s34B-b88K"
    with pytest.raises(UserError, match=expected):
        load_backbone("ViT-B-16@laion2b_s34b_b88k")


def test_a_hub_repository_and_its_revisions(tmp_path: Path, hub: Callable[..., Path]) -> None:
    config = small_config("ViT-B-16-quickgelu")
    model = build_model(config)
    hub("me/tuned", save_model(tmp_path / "new", model, config, mean=[0.5] * 3, std=[0.5] * 3))
    with torch.no_grad():
        model.positional_embedding.add_(0.1)
    hub("me/tuned", save_model(tmp_path / "old", model, config), "2" * 40, newest=False)
    newest = load_backbone("hf-hub:me/tuned")
    old = load_backbone(f"hf-hub:me/tuned@{'2' * 40}")
    assert newest.preprocess.mean == (0.5, 0.5, 0.5)
    assert newest.fingerprint != old.fingerprint
    torch.testing.assert_close(old.encode_texts(TEXTS), texts_of(model), rtol=1e-5, atol=1e-6)
    assert load_backbone(str(tmp_path / "new")).fingerprint == newest.fingerprint
    assert cached_models() == ["hf-hub:me/tuned"]
    facts = inspect_backbone("hf-hub:me/tuned")
    assert (facts.cached, facts.text_path, facts.activation) == (True, "shared", "QuickGELU")


def test_a_hub_repository_that_is_not_there(hub: Callable[..., Path]) -> None:
    expected = r"cannot get open_clip_config\.json or config\.json of no/such from the Hugging"
    with pytest.raises(UserError, match=expected):
        load_backbone("hf-hub:no/such")
    with pytest.raises(
        UserError, match=r"nothing is known of a repository before its download; found no/such"
    ):
        inspect_backbone("hf-hub:no/such")


def test_siglip_weights_of_ones_own_get_siglips_transform(tmp_path: Path, monkeypatch: Any) -> None:
    config = small_config("ViT-B-16-SigLIP")
    monkeypatch.setattr(loading, "architecture_config", lambda _: config)
    monkeypatch.setattr("nemesis_sweep.vlm.load_backbone.make_tokenizer", lambda *_: None)
    with small_timm("ViT-B-16-SigLIP"):
        model = build_model(config)
        with torch.no_grad():
            model.logit_bias.fill_(-12.5)
        # Some tools save scalars as vectors.
        state = dict(model.state_dict()) | {"logit_bias": model.logit_bias.detach().view(1)}
        save_file(state, tmp_path / "s.safetensors")
        backbone = load_backbone(f"ViT-B-16-SigLIP@{tmp_path / 's.safetensors'}")
    assert backbone.logit_bias == -12.5
    assert backbone.preprocess.mean == (0.5, 0.5, 0.5)
    assert backbone.preprocess.resize_mode == "squash"


def test_other_layouts_of_the_same_weights(tmp_path: Path) -> None:
    """Saved by a wrapper (`module.`), or with the text tower apart, as CustomTextCLIP keeps it."""
    config = small_config("ViT-B-16-quickgelu")
    model = build_model(config)
    expected = load_backbone(str(save_model(tmp_path / "own", model, config))).encode_texts(TEXTS)
    wrapped = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    save_file(wrapped, tmp_path / "own" / "open_clip_model.safetensors")
    torch.testing.assert_close(load_backbone(str(tmp_path / "own")).encode_texts(TEXTS), expected)
    apart = save_model(tmp_path / "apart", model, {**config, "custom_text": True})
    torch.testing.assert_close(load_backbone(str(apart)).encode_texts(TEXTS), expected)


def test_pickles_are_refused_without_being_read(tmp_path: Path, hub: Callable[..., Path]) -> None:
    config = small_config("ViT-B-16-quickgelu")
    model = build_model(config)
    folder = save_model(tmp_path / "m", model, config)
    (folder / "open_clip_model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    refused = r"pickled weights are not read.*allowed: a safetensors file"
    for name in (folder, folder / "open_clip_pytorch_model.bin"):
        with pytest.raises(UserError, match=refused):
            load_backbone(str(name))
    with pytest.raises(UserError, match=refused):
        load_backbone(f"ViT-B-16@{folder / 'open_clip_pytorch_model.bin'}")
    (folder / "open_clip_pytorch_model.bin").rename(folder / "open_clip_model.safetensors")
    with pytest.raises(UserError, match=refused):
        load_backbone(str(folder))


def test_a_number_that_is_none_is_told_where_texts_use_it_and_nowhere_else(tmp_path: Path) -> None:
    """open_clip leaves the decoder of CoCa, which no tower uses, as memory was."""
    config = small_config("coca_ViT-B-32")
    model = build_model(config)
    names = {"text_decoder.text_projection": "unused", "text.text_projection": "used"}
    folders = {}
    for name, told in names.items():
        with torch.no_grad():
            model.get_parameter(name)[0, :3] = torch.nan
        folders[told] = save_model(tmp_path / told, model, config)
    assert load_backbone(str(folders["unused"])).embed_dim
    with pytest.raises(
        UserError, match=r"text tower's weights are not all finite; found .*text_projection has 3 of"
    ):
        load_backbone(str(folders["used"]))
